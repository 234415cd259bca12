import { AsyncLocalStorage } from "node:async_hooks";

import { tellPace } from "./pace.ts";
import { type Answered, createTransport, type HttpRequest, type Reply } from "./transport.ts";

/** What one call to an SDK came to, as the wire saw it. */
export interface Carried {
  /** How many requests the SDK wanted to send; only the first left. */
  readonly requests: number;
  /** Absent when the SDK sent nothing. */
  readonly reply?: Reply;
  /** What the SDK threw, for people: vendors' errors are not to be trusted with the outcome. */
  readonly threw?: unknown;
}

class Carriage implements Carried {
  readonly signal: AbortSignal;
  requests = 0;
  declare reply?: Reply;
  declare threw?: unknown;

  constructor(signal: AbortSignal) {
    this.signal = signal;
  }
}

const transport = createTransport();
const carriages = new AsyncLocalStorage<Carriage>();

/** One request without an SDK. Never throws. */
export async function carryOne(request: HttpRequest, signal: AbortSignal): Promise<Carried> {
  const reply = await transport.send(request, signal);
  if (reply.at === "answered") tellPace(reply.headers);
  return { requests: 1, reply };
}

/** Runs an SDK's call; the requests it makes through `sendCarried` take `signal`, and what came of them is the result. Never throws. */
export async function carry(signal: AbortSignal, ask: () => Promise<unknown>): Promise<Carried> {
  const carriage = new Carriage(signal);
  try {
    await carriages.run(carriage, ask);
  } catch (error) {
    carriage.threw = error;
  }
  return carriage;
}

/** The far end of an SDK's HTTP hook. Throws, for the SDK to notice, when no answer came or when it asks a second time. */
export async function sendCarried(request: HttpRequest): Promise<Answered> {
  const carriage = carriages.getStore();
  if (carriage === undefined) throw new Error("sendCarried was called outside carry().");
  carriage.requests += 1;
  if (carriage.requests > 1) throw new Error("Refused: at most one request leaves per call.");
  const reply = await transport.send(request, carriage.signal);
  carriage.reply = reply;
  if (reply.at === "lost") throw new Error(`No answer: ${reply.code}`);
  tellPace(reply.headers);
  return reply;
}
