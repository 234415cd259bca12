import type { Socket } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";

import { SMTPServer, type SMTPServerDataStream, type SMTPServerSession } from "smtp-server";

import type { Fault, FaultSwitch } from "../sandbox/fault.ts";
import type { Ledger } from "../sandbox/ledger.ts";
import { defineSandbox, isBadAddress } from "../sandbox/sandbox.ts";
import { smtp } from "./provider.ts";

const account = new URL(smtp.sandboxConfig["url"] ?? "");

/** A relay that takes everything with the sandbox's password, and delivers nothing. */
export const smtpSandbox = defineSandbox({
  provider: smtp.name,
  scheme: "smtp",
  configOf: (url) => ({ url: url.replace("://", `://${account.username}:${account.password}@`) }),
  serve: (faults, ledger) => relay(faults, ledger).server,
});

type Done = (error?: Error | null, message?: string) => void;

function relay(faults: FaultSwitch, ledger: Ledger): SMTPServer {
  const sockets = new Map<number | undefined, Socket>();
  const met = new WeakMap<SMTPServerSession, Fault>();
  const server = new SMTPServer({
    // No TLS on loopback; the adapter asks for none there.
    disabledCommands: ["STARTTLS"],
    allowInsecureAuth: true,
    disableReverseLookup: true,
    size: 25 * 1024 * 1024,
    onAuth: ({ username, password }, _, done) => {
      if (username === account.username && password === account.password) done(null, { user: username });
      else done(refusal(535, "5.7.8 Authentication credentials invalid"));
    },
    onMailFrom: (_, session, done) => {
      const fault = faults.strike();
      met.set(session, fault);
      void later(fault, () => done(refusalOf(fault)));
    },
    onRcptTo: ({ address }, _, done) =>
      done(isBadAddress(address) ? refusal(550, "5.1.1 The mailbox does not exist") : null),
    onData: (stream, session, done) => {
      const fault = met.get(session) ?? faults.strike();
      const socket = sockets.get(session.remotePort);
      // A caller that hangs up in the middle of its message hears nothing more.
      receive(stream, (head) => take(fault, head, session, ledger, socket, done)).catch(() =>
        socket?.destroy(),
      );
    },
  });
  server.on("error", () => undefined);
  server.server.on("connection", (socket: Socket) => {
    const { remotePort } = socket;
    sockets.set(remotePort, socket);
    socket.once("close", () => sockets.delete(remotePort));
  });
  return server;
}

/** The whole message has been read, its final dot included. */
function take(
  { mode }: Fault,
  head: string,
  { envelope }: SMTPServerSession,
  ledger: Ledger,
  socket: Socket | undefined,
  done: Done,
): void {
  if (mode === "500") return done(refusal(451, "4.3.0 Requested action aborted: error in processing"));
  if (mode === "html-200")
    return void socket?.write("<html><body>Welcome to the guest network</body></html>\r\n");
  if (mode === "reset-before-answer") return void socket?.resetAndDestroy();
  const effect = ledger.add({
    jobId: header(head, "X-Job-ID"),
    messageId: header(head, "Message-ID"),
    recipients: envelope.rcptTo.length,
  });
  if (mode === "accept-then-hang") return;
  if (mode === "accept-then-reset") return void socket?.resetAndDestroy();
  // A relay that says 5xx has not taken the message; one that has and breaks then says anything else.
  if (mode === "accept-then-500") return void socket?.write("Internal Server Error\r\n");
  effect.answered = true;
  return done(null, "2.0.0 Ok: queued");
}

function refusalOf({ mode, retryAfter }: Fault): Error | null {
  if (mode === "503") return refusal(421, "4.3.2 Service not available");
  if (mode !== "429") return null;
  const when = retryAfter === undefined ? "later" : `in ${retryAfter} seconds`;
  return refusal(450, `4.7.1 Too many messages, try again ${when}`);
}

function refusal(responseCode: number, words: string): Error {
  return Object.assign(new Error(words), { responseCode });
}

async function later({ latencyMs }: Fault, then: () => void): Promise<void> {
  if (latencyMs !== undefined) await sleep(latencyMs, undefined, { ref: false });
  then();
}

async function receive(stream: SMTPServerDataStream, then: (head: string) => void): Promise<void> {
  then(await readMessage(stream));
}

/** Reads to the end and keeps the header block only. */
async function readMessage(stream: SMTPServerDataStream): Promise<string> {
  let head = "";
  for await (const chunk of stream as AsyncIterable<Buffer>)
    if (!head.includes("\r\n\r\n")) head += chunk.toString("latin1");
  return head.slice(0, head.indexOf("\r\n\r\n"));
}

function header(head: string, name: string): string | undefined {
  const unfolded = head.replaceAll(/\r\n[ \t]+/gu, " ");
  return new RegExp(`^${name}: *(.*?) *$`, "imu").exec(unfolded)?.[1];
}
