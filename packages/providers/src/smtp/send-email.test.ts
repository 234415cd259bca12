import { once } from "node:events";
import { createServer, type Socket } from "node:net";

import { type EmailRequest, emailRequest, type Outcome } from "@understudy/core";
import { SMTPServer, type SMTPServerOptions } from "smtp-server";
import { describe, expect, test } from "vitest";

import { Door } from "../sandbox/door.ts";
import { smtp } from "./provider.ts";

const request = emailRequest.parse({
  from: { email: "shop@example.com", name: "The Shop" },
  to: ["ada@example.org", "grace@example.org"],
  bcc: ["files@example.com"],
  replyTo: "help@example.com",
  subject: "Your order 4711",
  text: "It is on its way.",
  headers: { "X-Shop": "1" },
  attachments: [{ filename: "bill.pdf", contentType: "application/pdf", contentBase64: "aGVsbG8=" }],
});
/** Larger than all buffers on the way together. */
const large: EmailRequest = {
  ...request,
  attachments: Array.from({ length: 50 }, () => ({
    filename: "a",
    contentType: "text/plain",
    contentBase64: "A".repeat(400_000),
  })),
};

function ask(url: string, signal = new AbortController().signal, mail = request): Promise<Outcome> {
  const [implementation] = smtp.adapters;
  if (implementation === undefined) throw new Error("no adapter");
  const adapter = implementation.create(smtp.config.parse({ url }));
  return adapter(mail, { jobId: "order-7", idempotencyKey: "k", signal });
}

interface Relay extends AsyncDisposable {
  readonly url: string;
  /** Resolves with a connection once it is made. */
  connected(): Promise<Socket>;
}

async function relay(options: SMTPServerOptions = {}): Promise<Relay> {
  const { server } = new SMTPServer({
    disabledCommands: ["STARTTLS"],
    allowInsecureAuth: true,
    disableReverseLookup: true,
    onAuth: ({ username }, _, done) => done(null, { user: username }),
    ...options,
  }).on("error", () => undefined);
  const door = new Door(server, "127.0.0.1", 0);
  await door.open();
  return {
    url: `smtp://user:pass%23word@127.0.0.1:${door.port}`,
    connected: async () => ((await once(server, "connection")) as [Socket])[0],
    [Symbol.asyncDispose]: () => door.close(),
  };
}

const refuse = (responseCode: number, words: string): Error =>
  Object.assign(new Error(words), { responseCode });
const onEnd = (then: (done: (error?: Error | null) => void) => void): SMTPServerOptions => ({
  onData: (stream, _, done) => void stream.resume().once("end", () => then(done)),
});

test("a message is delivered with the job's id, and files for bcc stay unnamed", async () => {
  let message = "";
  let envelope: readonly string[] = [];
  await using server = await relay({
    onData: (stream, session, done) => {
      envelope = session.envelope.rcptTo.map(({ address }) => address);
      stream
        .on("data", (chunk) => (message += chunk.toString()))
        .once("end", () => done(null, "queued as 4f2a"));
    },
  });
  expect(await ask(server.url)).toMatchObject({
    kind: "delivered",
    provider: "smtp",
    receipt: {
      messageId: "<order-7@example.com>",
      accepted: ["ada@example.org", "grace@example.org", "files@example.com"],
      rejected: [],
    },
  });
  expect(envelope).toEqual(["ada@example.org", "grace@example.org", "files@example.com"]);
  expect(message).toContain("Message-ID: <order-7@example.com>\r\n");
  expect(message).toContain("X-Job-ID: order-7\r\n");
  expect(message).toContain("X-Shop: 1\r\n");
  expect(message).not.toContain("files@example.com");
});

test("recipients that are refused while others are taken are named one by one", async () => {
  const codes: Record<string, number> = { "ada@example.org": 550, "files@example.com": 450 };
  await using server = await relay({
    onRcptTo: ({ address }, _, done) => done(codes[address] ? refuse(codes[address], "no") : null),
  });
  expect(await ask(server.url)).toMatchObject({
    kind: "delivered",
    receipt: { accepted: ["grace@example.org"], rejected: ["ada@example.org", "files@example.com"] },
    undelivered: [
      { item: "ada@example.org", code: "smtp_550", permanent: true },
      { item: "files@example.com", code: "smtp_450", permanent: false },
    ],
  });
});

describe("the relay says no", () => {
  test.each<[string, SMTPServerOptions, Record<string, unknown>]>([
    [
      "to the connection with 421",
      { onConnect: (_, done) => done(refuse(421, "4.3.2 Service not available")) },
      { kind: "unavailable", code: "smtp_421" },
    ],
    [
      "to the connection with 554",
      { onConnect: (_, done) => done(refuse(554, "No SMTP service here")) },
      { kind: "unavailable", code: "smtp_554" },
    ],
    [
      "to the password with 535",
      { onAuth: (_, __, done) => done(refuse(535, "5.7.8 Bad credentials")) },
      { kind: "unavailable", code: "unauthorized" },
    ],
    [
      "to the password with 454",
      { onAuth: (_, __, done) => done(refuse(454, "4.7.0 Temporary failure")) },
      { kind: "unavailable", code: "smtp_454" },
    ],
    [
      "to the sender with 450",
      { onMailFrom: (_, __, done) => done(refuse(450, "4.2.0 Not now")) },
      { kind: "unavailable", code: "smtp_450" },
    ],
    [
      "to the pace with 450",
      { onMailFrom: (_, __, done) => done(refuse(450, "4.7.1 Too many messages, try again in 30 seconds")) },
      { kind: "throttled", code: "rate_limited", retryAfterMs: 30_000 },
    ],
    [
      "to the sender with 553",
      { onMailFrom: (_, __, done) => done(refuse(553, "5.7.1 Sender address not owned by user")) },
      { kind: "unavailable", code: "sender_unverified" },
    ],
    [
      "to every recipient with 450",
      { onRcptTo: (_, __, done) => done(refuse(450, "4.2.1 Mailbox busy")) },
      { kind: "unavailable", code: "recipient_deferred" },
    ],
    [
      "to every recipient with 550",
      { onRcptTo: (_, __, done) => done(refuse(550, "5.1.1 No such user")) },
      { kind: "rejected", code: "recipient_refused" },
    ],
    [
      "to every recipient, to one of them for now",
      { onRcptTo: ({ address }, _, done) => done(refuse(address.startsWith("grace") ? 450 : 550, "no")) },
      { kind: "unavailable", code: "recipient_deferred" },
    ],
    [
      "to relaying with 554",
      { onRcptTo: (_, __, done) => done(refuse(554, "5.7.1 Relay access denied")) },
      { kind: "unavailable", code: "forbidden" },
    ],
    [
      "to the message with 451",
      onEnd((done) => done(refuse(451, "4.3.0 Error in processing"))),
      { kind: "unavailable", code: "smtp_451" },
    ],
    [
      "to the message with 452",
      onEnd((done) => done(refuse(452, "4.3.1 Insufficient storage"))),
      { kind: "unavailable", code: "smtp_452" },
    ],
    [
      "to its size with 552",
      onEnd((done) => done(refuse(552, "5.3.4 Too big"))),
      { kind: "unavailable", code: "too_large" },
    ],
    [
      "to its size with 552 and other words",
      onEnd((done) => done(refuse(552, "5.2.3 Your message exceeded our message size limits"))),
      { kind: "unavailable", code: "too_large" },
    ],
    [
      "to its size with 554",
      onEnd((done) => done(refuse(554, "5.3.4 Message too big for system"))),
      { kind: "unavailable", code: "too_large" },
    ],
    [
      "to its size before it was sent",
      { onMailFrom: (_, __, done) => done(refuse(552, "Message size exceeds fixed limit")) },
      { kind: "unavailable", code: "too_large" },
    ],
    [
      "to its size at the recipient with 552",
      { onRcptTo: (_, __, done) => done(refuse(552, "5.3.4 Message size exceeds the mailbox's limit")) },
      { kind: "unavailable", code: "too_large" },
    ],
    [
      "to a full mailbox with 552",
      { onRcptTo: (_, __, done) => done(refuse(552, "5.2.2 Mailbox full")) },
      { kind: "rejected", code: "recipient_refused" },
    ],
    [
      "to a full mailbox with 552 in words only",
      {
        onRcptTo: (_, __, done) =>
          done(refuse(552, "Requested mail action aborted: exceeded storage allocation")),
      },
      { kind: "rejected", code: "recipient_refused" },
    ],
    [
      "to a full mailbox after the message",
      onEnd((done) => done(refuse(552, "5.2.2 The account that you tried to reach is over quota"))),
      { kind: "rejected", code: "recipient_refused" },
    ],
    [
      "to its content with 554",
      onEnd((done) => done(refuse(554, "5.7.1 Looks like spam"))),
      { kind: "rejected", code: "smtp_554" },
    ],
  ])("%s", async (_, options, expected) => {
    await using server = await relay(options);
    const outcome = await ask(server.url);
    expect(outcome).toMatchObject(expected);
    expect(JSON.stringify(outcome)).not.toMatch(/pass#word|pass%23word/u);
  });
});

test("a relay that repeats the log-in, in whatever encoding, is not repeated", async () => {
  const encoded = Buffer.from("pass#word").toString("base64");
  const plain = Buffer.from("\0user\0pass#word").toString("base64");
  await using server = await relay({
    onAuth: (_, __, done) => done(refuse(535, `5.7.8 no: pass#word ${encoded} ${plain}`)),
  });
  expect(await ask(server.url)).toMatchObject({
    code: "unauthorized",
    detail: "535 5.7.8 no: <secret> <secret> <secret>",
  });
});

describe("nothing was taken", () => {
  test("when the connection is refused", async () => {
    const server = await relay();
    await server[Symbol.asyncDispose]();
    expect(await ask(server.url)).toMatchObject({ kind: "unavailable", code: "connect_failed" });
  });

  test("when the name does not resolve", async () => {
    const outcome = await ask("smtp://no-such-host.invalid");
    expect(outcome).toMatchObject({ kind: "unavailable", code: "connect_failed" });
  });

  test("when the relay resets in the middle of the message", async () => {
    await using server = await relay({ onData: (stream) => void stream.resume() });
    const connection = server.connected();
    const outcome = ask(server.url, undefined, large);
    const socket = await connection;
    socket.on("data", () => socket.bytesRead > 1_000_000 && socket.resetAndDestroy());
    expect(await outcome).toMatchObject({ kind: "unavailable", code: "connection_lost" });
  });

  test("when the deadline comes while the relay has not even said hello", async () => {
    const control = new AbortController();
    const silent = createServer((socket) => {
      socket.on("error", () => undefined);
      control.abort(new DOMException("late", "TimeoutError"));
    });
    const door = new Door(silent, "127.0.0.1", 0);
    await door.open();
    const outcome = await ask(`smtp://127.0.0.1:${door.port}`, control.signal);
    expect(outcome).toMatchObject({ kind: "unavailable", code: "timeout" });
    await door.close();
  });

  test("when the call was interrupted before", async () => {
    await using server = await relay();
    const outcome = await ask(server.url, AbortSignal.abort(new Error("shutting down")));
    expect(outcome).toMatchObject({ kind: "withheld", code: "interrupted" });
  });

  test("when TLS is required and the relay has none", async () => {
    await using server = await relay();
    const [implementation] = smtp.adapters;
    const adapter = implementation?.create(smtp.config.parse({ url: server.url, requireTls: "true" }));
    const { signal } = new AbortController();
    const outcome = await adapter?.(request, { jobId: "j", idempotencyKey: "k", signal });
    expect(outcome).toMatchObject({ kind: "unavailable", code: "tls_failed" });
  });
});

describe("nobody knows whether it was taken", () => {
  test("when the relay resets after the final dot, though it had refused a recipient for now", async () => {
    let socket: Socket | undefined;
    await using server = await relay({
      ...onEnd(() => socket?.resetAndDestroy()),
      onRcptTo: ({ address }, _, done) => done(address.startsWith("ada") ? refuse(450, "busy") : null),
    });
    const connection = server.connected();
    const outcome = ask(server.url);
    socket = await connection;
    expect(await outcome).toMatchObject({ kind: "ambiguous", code: "connection_lost" });
  });

  test("when the relay resets after the final dot", async () => {
    let socket: Socket | undefined;
    await using server = await relay(onEnd(() => socket?.resetAndDestroy()));
    const connection = server.connected();
    const outcome = ask(server.url);
    socket = await connection;
    expect(await outcome).toMatchObject({ kind: "ambiguous", code: "connection_lost" });
  });

  test("when the relay hangs up after the final dot", async () => {
    let socket: Socket | undefined;
    await using server = await relay(onEnd(() => socket?.end()));
    const connection = server.connected();
    const outcome = ask(server.url);
    socket = await connection;
    expect(await outcome).toMatchObject({ kind: "ambiguous", code: "connection_lost" });
  });

  test.each([
    ["the deadline comes", new DOMException("late", "TimeoutError"), "timeout"],
    ["the call is interrupted", new Error("shutting down"), "interrupted"],
  ])("when %s after the final dot, within 100 ms", async (_, reason, code) => {
    const control = new AbortController();
    let aborted = 0;
    await using server = await relay(
      onEnd(() => {
        aborted = performance.now();
        control.abort(reason);
      }),
    );
    expect(await ask(server.url, control.signal)).toMatchObject({ kind: "ambiguous", code });
    expect(performance.now() - aborted).toBeLessThan(100);
  });

  test("when the relay answers the final dot with something that is not SMTP", async () => {
    let socket: Socket | undefined;
    await using server = await relay(onEnd(() => socket?.write("<html>Please sign in</html>\r\n")));
    const connection = server.connected();
    const outcome = ask(server.url);
    socket = await connection;
    expect(await outcome).toMatchObject({ kind: "ambiguous", code: "malformed_answer" });
  });
});

test("a URL that is none is refused at start, unprinted", () => {
  const [implementation] = smtp.adapters;
  const create = (url: string) => () => implementation?.create(smtp.config.parse({ url }));
  expect(create("https://user:secret@example.com")).toThrow("SMTP_URL must be like smtp://");
  expect(create("user:secret")).not.toThrow("secret");
});
