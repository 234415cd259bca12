import { createServer, type IncomingHttpHeaders, type IncomingMessage, type ServerResponse } from "node:http";
import { setTimeout as sleep } from "node:timers/promises";

import type { Fault, FaultSwitch } from "./fault.ts";
import type { EffectNote, Ledger } from "./ledger.ts";
import { defineSandbox, type Sandbox } from "./sandbox.ts";

export interface FakeRequest {
  readonly method: string;
  readonly path: string;
  readonly query: URLSearchParams;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
}

export interface FakeAnswer {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  /** A string goes as plain text, anything else as JSON. */
  readonly body?: unknown;
  /** What happened in the outside world; absent when nothing did. */
  readonly effect?: EffectNote | readonly EffectNote[];
  /** It is taken although nothing happens now: under a key that was used before. It meets the faults of what is taken. */
  readonly isReplay?: boolean;
}

interface HttpParts {
  readonly provider: string;
  /** The sandbox-only credentials. */
  readonly config: Readonly<Record<string, string>>;
  /** Judges a request as the vendor would. */
  readonly answer: (request: FakeRequest) => FakeAnswer | Promise<FakeAnswer>;
  /** The vendor's words for a fault; `retryAfter` in seconds. */
  readonly refusal: (status: number, retryAfter: number | undefined) => unknown;
}

/** The fake of a vendor that speaks HTTP. */
export function httpSandbox(parts: HttpParts): Sandbox {
  return defineSandbox({
    provider: parts.provider,
    scheme: "http",
    configOf: (url) => ({ baseUrl: url, ...parts.config }),
    serve: (faults, ledger) =>
      createServer({ keepAliveTimeout: 60_000 }, (req, res) => {
        // A caller that hangs up while its request is read is its own business.
        serve(parts, faults, ledger, req, res).catch(() => req.socket.destroy());
      }),
  });
}

async function serve(
  parts: HttpParts,
  faults: FaultSwitch,
  ledger: Ledger,
  req: IncomingMessage,
  res: ServerResponse,
): Promise<void> {
  const request = await read(req);
  const fault = faults.strike();
  if (fault.latencyMs !== undefined) await sleep(fault.latencyMs, undefined, { ref: false });
  if (fault.mode === "429" || fault.mode === "500" || fault.mode === "503") {
    refuse(parts, fault, Number(fault.mode), res);
  } else if (fault.mode === "html-200") {
    res.setHeader("content-type", "text/html");
    res.end("<html><body>Welcome to the guest network. Please sign in.</body></html>");
  } else if (fault.mode === "reset-before-answer") {
    req.socket.resetAndDestroy();
  } else {
    perform(parts, fault, await parts.answer(request), ledger, req, res);
  }
}

function refuse(parts: HttpParts, { retryAfter }: Fault, status: number, res: ServerResponse): void {
  if (retryAfter !== undefined) res.setHeader("retry-after", String(retryAfter));
  send(res, status, parts.refusal(status, retryAfter));
}

/** A request that the vendor refuses is refused even where an accepted one would be left without its answer. */
function perform(
  parts: HttpParts,
  fault: Fault,
  answer: FakeAnswer,
  ledger: Ledger,
  req: IncomingMessage,
  res: ServerResponse,
): void {
  const effects = [answer.effect ?? []].flat().map((note) => ledger.add(note));
  const isTaken = effects.length > 0 || answer.isReplay === true;
  if (isTaken && fault.mode === "accept-then-hang") return;
  if (isTaken && fault.mode === "accept-then-reset") {
    req.socket.resetAndDestroy();
    return;
  }
  if (isTaken && fault.mode === "accept-then-500") {
    refuse(parts, fault, 500, res);
    return;
  }
  res.once("finish", () => {
    for (const effect of effects) effect.answered = true;
  });
  for (const [name, value] of Object.entries(answer.headers ?? {})) res.setHeader(name, value);
  send(res, answer.status, answer.body);
}

function send(res: ServerResponse, status: number, body: unknown): void {
  res.statusCode = status;
  if (body === undefined) {
    res.end();
    return;
  }
  const isText = typeof body === "string";
  res.setHeader("content-type", isText ? "text/plain" : "application/json");
  res.end(isText ? body : JSON.stringify(body));
}

async function read(req: IncomingMessage): Promise<FakeRequest> {
  const chunks: Buffer[] = [];
  for await (const chunk of req as AsyncIterable<Buffer>) chunks.push(chunk);
  const { pathname, searchParams } = new URL(req.url ?? "/", "http://fake");
  return {
    method: req.method ?? "",
    path: pathname,
    query: searchParams,
    headers: req.headers,
    body: Buffer.concat(chunks),
  };
}
