import { Agent } from "undici";

import { Exchange } from "./exchange.ts";

export interface HttpRequest {
  readonly method: "GET" | "POST" | "PUT" | "PATCH" | "DELETE";
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string | Uint8Array;
}

/** Names in lower case; a header that came more than once is an array. */
export type AnswerHeaders = Readonly<Record<string, string | string[] | undefined>>;

/** The whole answer, whatever its status. */
export interface Answered {
  readonly at: "answered";
  readonly status: number;
  readonly headers: AnswerHeaders;
  readonly body: Buffer;
}

/** No whole answer came. */
export interface Lost {
  readonly at: "lost";
  /** Whether anything may have left: false only when the connection never became ready for the request. */
  readonly sent: boolean;
  /** The head of an answer was seen; its body was cut, stalled or too large. */
  readonly answered: boolean;
  readonly status?: number;
  /** The system's or undici's code, or "ABORTED": for people, and for nothing else. */
  readonly code: string;
}

export type Reply = Answered | Lost;

export interface Transport {
  /** One request, sent at most once; redirects are not followed. Never throws. The signal covers connecting, waiting and the body. */
  send(request: HttpRequest, signal: AbortSignal): Promise<Reply>;
  close(): Promise<void>;
}

export interface TransportLimits {
  readonly connectTimeoutMs: number;
  readonly maxAnswerBytes: number;
}

const defaults: TransportLimits = { connectTimeoutMs: 5000, maxAnswerBytes: 1024 * 1024 };

/** Keep-alive connections of its own, apart from Node's global dispatcher, which anybody may replace. */
export function createTransport(limits: Partial<TransportLimits> = {}): Transport {
  const { connectTimeoutMs, maxAnswerBytes } = { ...defaults, ...limits };
  const agent = new Agent({
    // HTTP/2 has other moments of sending; the phase is proved for HTTP/1.1 only.
    allowH2: false,
    connect: { timeout: connectTimeoutMs },
    maxResponseSize: maxAnswerBytes,
  });
  return {
    send: (request, signal) => new Promise((settle) => new Exchange(request, signal, settle).start(agent)),
    close: () => agent.destroy(),
  };
}
