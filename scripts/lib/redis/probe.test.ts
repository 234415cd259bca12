import { once } from "node:events";
import { type AddressInfo, createServer } from "node:net";

import { expect, onTestFinished, test } from "vitest";

import { answers } from "./probe.ts";

/** Answers whatever it is asked with these lines, as Redis does to INFO. */
async function serverThatSays(...lines: readonly string[]): Promise<string> {
  const info = `${lines.join("\r\n")}\r\n`;
  const server = createServer((socket) => {
    socket.on("error", () => undefined);
    socket.on("data", (chunk: Buffer) => {
      const asked = chunk.toString().match(/^\*\d+\r$/gmu) ?? [];
      for (const _ of asked) socket.write(`$${info.length}\r\n${info}\r\n`);
    });
  }).listen(0, "127.0.0.1");
  onTestFinished(() => void server.close());
  await once(server, "listening");
  return `redis://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

test("a Redis that still reads its data in does not answer yet, though it does to INFO", async () => {
  expect(await answers(await serverThatSays("process_id:7", "loading:1"), 7)).toBe(false);
  expect(await answers(await serverThatSays("process_id:7", "loading:0"), 7)).toBe(true);
});

test("another process on the port is not the one that was started", async () => {
  const url = await serverThatSays("process_id:77", "loading:0");
  expect(await answers(url, 7)).toBe(false);
  expect(await answers(url)).toBe(true);
});
