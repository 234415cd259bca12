import { once } from "node:events";
import { createServer, type IncomingHttpHeaders, type IncomingMessage, type Server } from "node:http";
import type { Socket } from "node:net";

export interface ScriptedAnswer {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
}

/** What the server does with the next requests. */
export type Behaviour =
  | ({ readonly does: "answer" } & ScriptedAnswer)
  /** Answers with everything it was sent, as a careless vendor does in its error messages. */
  | { readonly does: "echo"; readonly status: number }
  /** Answers in full, then resets the connection. */
  | ({ readonly does: "answer-then-reset" } & ScriptedAnswer)
  /** Resets connections as soon as they are made. */
  | { readonly does: "reset-unread" }
  | { readonly does: "reset" }
  /** Hangs up politely, without an answer. */
  | { readonly does: "close" }
  | { readonly does: "hang" }
  /** Sends the head and a part of the body, then nothing more. */
  | ({ readonly does: "stall" } & ScriptedAnswer)
  /** Sends the head and a part of the body, then hangs up. */
  | ({ readonly does: "cut" } & ScriptedAnswer);

export interface CapturedRequest {
  readonly method: string;
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

/** A server on loopback that does to its callers what the outside world does. */
export interface Misbehaving extends AsyncDisposable {
  readonly url: string;
  /** Everything received so far, in order. */
  readonly requests: readonly CapturedRequest[];
  behave(behaviour: Behaviour): void;
  /** Resolves with the first request, once it has been read to its end. */
  received(): Promise<CapturedRequest>;
  /** Stops listening: connections are refused from now on. */
  refuse(): Promise<void>;
}

/** What a vendor is asked for before the request itself, such as an access token: always answered so, and not counted. */
export interface Prelude {
  readonly path: string;
  readonly answer: ScriptedAnswer;
}

export async function misbehaving(
  behaviour: Behaviour = { does: "hang" },
  prelude?: Prelude,
): Promise<Misbehaving> {
  let current = behaviour;
  const requests: CapturedRequest[] = [];
  const server = createServer((req) => {
    // A caller that hangs up in the middle of its request was not heard.
    hear(req).catch(() => req.socket.destroy());
  });
  const hear = async (req: IncomingMessage): Promise<void> => {
    const request = await capture(req);
    if (request.path === prelude?.path) {
      perform({ does: "answer", ...prelude.answer }, request, req.socket);
      return;
    }
    requests.push(request);
    server.emit("captured", request);
    perform(current, request, req.socket);
  };
  server.on("connection", (socket: Socket) => {
    socket.on("error", () => undefined);
    if (current.does === "reset-unread") socket.resetAndDestroy();
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("The server has no port.");
  return {
    url: `http://127.0.0.1:${address.port}`,
    requests,
    behave: (next) => (current = next),
    received: async () => requests[0] ?? ((await once(server, "captured")) as [CapturedRequest])[0],
    refuse: () => close(server),
    [Symbol.asyncDispose]: () => close(server),
  };
}

function perform(behaviour: Behaviour, request: CapturedRequest, socket: Socket): void {
  switch (behaviour.does) {
    case "answer":
      socket.write(wire(behaviour));
      return;
    case "echo":
      socket.write(wire({ status: behaviour.status, body: JSON.stringify({ message: echoOf(request) }) }));
      return;
    case "answer-then-reset":
      socket.write(wire(behaviour), () => socket.resetAndDestroy());
      return;
    case "stall":
      socket.write(wire(behaviour).slice(0, -1));
      return;
    case "cut":
      socket.end(wire(behaviour).slice(0, -1));
      return;
    case "close":
      socket.end();
      return;
    case "reset":
    case "reset-unread":
      socket.resetAndDestroy();
      return;
    case "hang":
  }
}

/** An answer byte for byte; without a body of its own it has one of a single byte, so that there is always something to cut. */
function wire({ status, headers = {}, body = "\n" }: ScriptedAnswer): string {
  const all = { "content-type": "application/json", ...headers, "content-length": Buffer.byteLength(body) };
  const lines = Object.entries(all).map(([name, value]) => `${name}: ${value}`);
  return [`HTTP/1.1 ${status} Scripted`, ...lines, "", body].join("\r\n");
}

function echoOf({ headers, body }: CapturedRequest): string {
  return `Cannot do this: ${String(headers.authorization)} ${body}`;
}

async function capture(req: IncomingMessage): Promise<CapturedRequest> {
  const chunks: Buffer[] = [];
  for await (const chunk of req as AsyncIterable<Buffer>) chunks.push(chunk);
  const { method = "", url = "", headers } = req;
  return { method, path: url, headers, body: Buffer.concat(chunks).toString() };
}

async function close(server: Server): Promise<void> {
  server.closeAllConnections();
  if (!server.listening) return;
  const closed = once(server, "close");
  server.close();
  await closed;
}
