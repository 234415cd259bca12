import { once } from "node:events";
import { createServer, type Server } from "node:net";

import { type Behaviour, misbehaving } from "@understudy/testkit";
import { afterAll, describe, expect, test } from "vitest";

import { createTransport, type HttpRequest, type Lost } from "./transport.ts";

const transport = createTransport({ connectTimeoutMs: 300 });
afterAll(() => transport.close());

const never = new AbortController().signal;
const post = (url: string, body = "{}"): HttpRequest => ({
  method: "POST",
  url,
  headers: { "content-type": "application/json" },
  body,
});

/** Listens, and says nothing: a TLS handshake with it never ends. */
async function silent(): Promise<{ server: Server; port: number }> {
  const server = createServer((socket) => socket.on("error", () => undefined));
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  return { server, port: address !== null && typeof address === "object" ? address.port : 0 };
}

describe("nothing was sent", () => {
  const unsent = { at: "lost", sent: false, answered: false };

  test("when the connection is refused", async () => {
    await using server = await misbehaving();
    await server.refuse();
    expect(await transport.send(post(server.url), never)).toEqual({ ...unsent, code: "ECONNREFUSED" });
  });

  test("when the name does not resolve", async () => {
    const reply = await transport.send(post("http://no-such-host.invalid"), never);
    expect(reply).toMatchObject(unsent);
    expect((reply as Lost).code).toMatch(/^(?:ENOTFOUND|EAI_AGAIN)$/u);
  });

  test("when TLS never completes before the connect time-out", async () => {
    const { server, port } = await silent();
    const reply = await transport.send(post(`https://127.0.0.1:${port}`), never);
    expect(reply).toEqual({ ...unsent, code: "UND_ERR_CONNECT_TIMEOUT" });
    server.close();
  });

  test("when the deadline comes in the middle of a TLS handshake, at once", async () => {
    const { server, port } = await silent();
    const connected = once(server, "connection");
    const control = new AbortController();
    const reply = transport.send(post(`https://127.0.0.1:${port}`), control.signal);
    await connected;
    control.abort();
    expect(await reply).toEqual({ ...unsent, code: "ABORTED" });
    server.close();
  });

  test("when the peer does not speak TLS", async () => {
    await using server = await misbehaving({ does: "answer", status: 200 });
    const reply = await transport.send(post(server.url.replace("http:", "https:")), never);
    expect(reply).toMatchObject(unsent);
    expect(server.requests).toHaveLength(0);
  });

  test("when the signal aborted before", async () => {
    await using server = await misbehaving({ does: "answer", status: 200 });
    expect(await transport.send(post(server.url), AbortSignal.abort())).toEqual({
      ...unsent,
      code: "ABORTED",
    });
    expect(server.requests).toHaveLength(0);
  });

  test.each([
    ["a URL that is none", post("nonsense")],
    ["a header that would break the line", { ...post("http://127.0.0.1:9"), headers: { a: "b\r\nc: d" } }],
  ])("for %s", async (_, request) => {
    expect(await transport.send(request, never)).toMatchObject(unsent);
  });
});

describe("something was sent", () => {
  test.each<[string, Behaviour, string]>([
    ["reset", { does: "reset" }, "ECONNRESET"],
    ["closed without an answer", { does: "close" }, "UND_ERR_SOCKET"],
  ])("when the connection is %s afterwards", async (_, behaviour, code) => {
    await using server = await misbehaving(behaviour);
    expect(await transport.send(post(server.url), never)).toEqual({
      at: "lost",
      sent: true,
      answered: false,
      code,
    });
    expect(server.requests).toHaveLength(1);
  });

  test("when the vendor hangs until the deadline", async () => {
    await using server = await misbehaving({ does: "hang" });
    const control = new AbortController();
    const reply = transport.send(post(server.url), control.signal);
    await server.received();
    control.abort();
    expect(await reply).toEqual({ at: "lost", sent: true, answered: false, code: "ABORTED" });
  });

  test("and answered, when the body is cut off", async () => {
    await using server = await misbehaving({ does: "cut", status: 202, body: "0123456789" });
    expect(await transport.send(post(server.url), never)).toMatchObject({
      at: "lost",
      sent: true,
      answered: true,
      status: 202,
    });
  });

  test("and answered, when the body is too large to be an answer", async () => {
    await using server = await misbehaving({
      does: "answer",
      status: 200,
      body: "x".repeat(1024 * 1024 + 1),
    });
    expect(await transport.send(post(server.url), never)).toEqual({
      at: "lost",
      sent: true,
      answered: true,
      status: 200,
      code: "UND_ERR_RES_EXCEEDED_MAX_SIZE",
    });
  });
});

test("an answer is whole, whatever its status, and a redirect is not followed", async () => {
  await using server = await misbehaving({
    does: "answer",
    status: 302,
    headers: { location: "/x" },
    body: "moved",
  });
  const reply = await transport.send(post(`${server.url}/a?b=c`, "hello"), never);
  expect(reply).toMatchObject({ at: "answered", status: 302, headers: { location: "/x" } });
  expect(reply.at === "answered" && reply.body.toString()).toBe("moved");
  expect(server.requests).toMatchObject([{ method: "POST", path: "/a?b=c", body: "hello" }]);
});

test("connections are kept and used again", async () => {
  let connections = 0;
  const { server, port } = await silent();
  server.on("connection", (socket) => {
    connections += 1;
    socket.on("data", () => socket.write("HTTP/1.1 204 No Content\r\nconnection: keep-alive\r\n\r\n"));
  });
  for (let i = 0; i < 10; i += 1)
    expect(await transport.send(post(`http://127.0.0.1:${port}`), never)).toMatchObject({ status: 204 });
  // undici uses a connection again only after a whole turn of the event loop, so two take turns.
  expect(connections).toBeLessThanOrEqual(2);
  await transport.close();
  server.close();
});
