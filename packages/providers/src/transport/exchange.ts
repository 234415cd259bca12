import type { Dispatcher } from "undici";

import type { AnswerHeaders, HttpRequest, Reply } from "./transport.ts";

/**
 * One request and its answer, as undici tells it. We speak to `dispatch` ourselves and not through `undici.request`, because
 * only a dispatch handler hears when the first byte is about to leave, and because `undici.request` hears an abort only once
 * it is connected.
 */
export class Exchange implements Dispatcher.DispatchHandler {
  readonly #request: HttpRequest;
  readonly #signal: AbortSignal;
  readonly #settle: (reply: Reply) => void;
  readonly #chunks: Buffer[] = [];
  #controller: Dispatcher.DispatchController | undefined;
  #sent = false;
  #settled = false;
  #status: number | undefined;
  #headers: AnswerHeaders = {};

  constructor(request: HttpRequest, signal: AbortSignal, settle: (reply: Reply) => void) {
    this.#request = request;
    this.#signal = signal;
    this.#settle = settle;
  }

  start(dispatcher: Dispatcher): void {
    if (this.#signal.aborted) {
      this.#lose("ABORTED");
      return;
    }
    this.#signal.addEventListener("abort", this, { once: true });
    try {
      const { method, url, headers, body = null } = this.#request;
      const { origin, path } = addressOf(url);
      dispatcher.dispatch({ origin, path, method, headers, body }, this);
    } catch (error) {
      this.onResponseError(undefined, error);
    }
  }

  /** The signal aborted. */
  handleEvent(): void {
    this.#lose("ABORTED");
    this.#controller?.abort(new Error("aborted"));
  }

  /** Called when a connection, its TLS included, is ready and the head is written next. */
  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.#controller = controller;
    // A dispatcher that starts over, on another connection, would send twice.
    if (this.#settled || this.#sent) controller.abort(new Error("aborted"));
    else this.#sent = true;
  }

  onResponseStart(_: Dispatcher.DispatchController, status: number, headers: AnswerHeaders): void {
    if (status < 200) return;
    this.#status = status;
    this.#headers = headers;
  }

  onResponseData(_: Dispatcher.DispatchController, chunk: Buffer): void {
    this.#chunks.push(chunk);
  }

  onResponseEnd(): void {
    if (this.#status === undefined) this.#lose("NO_STATUS");
    else
      this.#finish({
        at: "answered",
        status: this.#status,
        headers: this.#headers,
        body: Buffer.concat(this.#chunks),
      });
  }

  onResponseError(_: Dispatcher.DispatchController | undefined, error: unknown): void {
    this.#lose(codeOf(error));
  }

  #lose(code: string): void {
    const status = this.#status;
    this.#finish({
      at: "lost",
      sent: this.#sent,
      answered: status !== undefined,
      ...(status !== undefined && { status }),
      code,
    });
  }

  #finish(reply: Reply): void {
    if (this.#settled) return;
    this.#settled = true;
    this.#signal.removeEventListener("abort", this);
    this.#settle(reply);
  }
}

interface Address {
  readonly url: string;
  readonly origin: string;
  readonly path: string;
}

let last: Address = { url: "", origin: "", path: "" };

/** Many calls in a row go to one address. @throws TypeError when it is none */
function addressOf(url: string): Address {
  if (url === last.url && url !== "") return last;
  const { origin, pathname, search } = new URL(url);
  last = { url, origin, path: pathname + search };
  return last;
}

function codeOf(error: unknown): string {
  if (error instanceof Error && "code" in error && typeof error.code === "string") return error.code;
  return error instanceof Error ? error.name : "UNKNOWN";
}
