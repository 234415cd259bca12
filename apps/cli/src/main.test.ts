import { once } from "node:events";
import { type AddressInfo, createServer } from "node:net";

import { describe, expect, onTestFinished, test } from "vitest";

import { cli, startCli } from "./testing/cli.ts";
import { inProcess } from "./testing/in-process.ts";

const away = "redis://:s3cret@127.0.0.1:1";

describe("what is used wrongly ends with status 2 and one sentence that says what is right", () => {
  test.each([
    [["queues", "ls", "--jsn"], /^Unknown option '--jsn' \(Did you mean --json\?\) See --help\.\n$/u],
    [["dead-leters"], /Did you mean dead-letters\?/u],
    [["dead-letters", "ls", "--cause", "bad"], /It must be of rejected, exhausted/u],
    [["dead-letters", "discard", "--reason", "x", "--redis", away], /^Which dead letters\?/u],
    [["queues", "ls"], /^Which Redis\? Give --redis redis:\/\/host:6379, or set REDIS_URL\.\n$/u],
    [["queues", "ls", "--redis", "http://:s3cret@host"], /^The Redis URL must look like/u],
    [["queues", "pause", "email", "--redis", away], /--reason, or UNDERSTUDY_REASON/u],
    [["queues", "ls", "--redis", away, "--namespace", "a:b"], /^The namespace holds/u],
    [["enqueue", "nope", "--redis", away], /^There is no job nope; it is one of charge-card,/u],
    [
      ["enqueue", "welcome-email", "--redis", away, "--payload", '{"to":"s3cret'],
      /^What stands in --payload is no JSON/u,
    ],
  ])("%j", async (args, words) => {
    const ended = await inProcess(args);
    expect(ended).toMatchObject({ code: 2, out: "", err: expect.stringMatching(words) });
    expect(ended.err).not.toContain("s3cret");
  });

  test("a flag is stronger than its variable, and a variable than the default", async () => {
    const env = { REDIS_URL: away, UNDERSTUDY_ROLE: "king" };
    expect(await inProcess(["enqueue", "nope"], env)).toMatchObject({
      err: expect.stringContaining("UNDERSTUDY_ROLE"),
    });
    expect(await inProcess(["enqueue", "nope", "--role", "viewer"], env)).toMatchObject({
      err: expect.stringContaining("There is no job nope"),
    });
    const switches = { REDIS_URL: away, UNDERSTUDY_JSON: "maybe" };
    expect(await inProcess(["queues", "ls"], switches)).toMatchObject({
      code: 2,
      err: "UNDERSTUDY_JSON is wrong: it is 1 or 0.\n",
    });
  });
});

test("a Redis that is away or silent ends with status 3 within the deadline, and no password is told", async () => {
  const silent = createServer(() => undefined).listen(0, "127.0.0.1");
  onTestFinished(() => void silent.close());
  await once(silent, "listening");
  const { port } = silent.address() as AddressInfo;
  const started = performance.now();
  const ends = [
    await inProcess(["queues", "ls", "--deadline", "300ms"], { REDIS_URL: away }),
    await inProcess(["doctor"], { REDIS_URL: away, UNDERSTUDY_DEADLINE: "300ms" }),
    await inProcess(["doctor", "--redis", `redis://:s3cret@127.0.0.1:${port}`, "--deadline", "300ms"]),
  ];
  expect(performance.now() - started).toBeLessThan(5000);
  for (const { code, out, err } of ends) {
    expect({ code, out, err }).toMatchObject({
      code: 3,
      out: "",
      err: expect.stringMatching(/127\.0\.0\.1:\d+/u),
    });
    expect(err).not.toContain("s3cret");
  }
});

describe("as a process", () => {
  test("its status and its streams are those of the command", async () => {
    const [help, none] = await Promise.all([cli(["dead-letters", "ls", "--help"]), cli(["dead-letters"])]);
    expect(help).toMatchObject({ code: 0, out: expect.stringMatching(/^Examples:/u), err: "" });
    expect(none).toMatchObject({ code: 2, out: "", err: expect.stringMatching(/^Examples:/u) });
  });

  test("a reader that has had enough is no error", async () => {
    const running = startCli(["dead-letters", "ls", "--help"]);
    running.child.stdout?.destroy();
    expect(await running.ended).toMatchObject({ code: 0, err: "" });
  });
});
