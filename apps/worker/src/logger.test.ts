import { jobs } from "@understudy/jobs";
import { providers } from "@understudy/providers";
import type { Logger } from "pino";
import { expect, test } from "vitest";

import { createLogger } from "./logger.ts";

function logged(write: (log: Logger) => void, level = "info"): readonly Record<string, any>[] {
  const lines: string[] = [];
  const odd = { sensitive: ["card.holder-name"] };
  const all = Object.values(providers);
  write(createLogger(level, [...jobs, odd], all, { write: (line) => void lines.push(line) }));
  return lines.map((line) => JSON.parse(line) as Record<string, unknown>);
}

test("what a job calls sensitive is redacted wherever a payload or request is logged", () => {
  const payload = {
    to: "ada@example.com",
    resetUrl: "https://example.com/reset/1",
    from: "shop@example.com",
  };
  const [line] = logged((log) => log.info({ payload, request: payload, event: { payload } }, "oops"));
  expect(line).toMatchObject({ payload: { to: "[redacted]", from: "shop@example.com" } });
  const text = JSON.stringify(line);
  expect(text).not.toContain("ada@");
  expect(text).not.toContain("reset/1");
});

test("a sensitive path may be deep and need not be an identifier", () => {
  const payload = { card: { "holder-name": "Ada", brand: "visa" } };
  const [line] = logged((log) => log.info({ payload }, "oops"));
  expect(line?.["payload"]).toEqual({ card: { "holder-name": "[redacted]", brand: "visa" } });
});

test("configuration is redacted by its names", () => {
  const [line] = logged((log) =>
    log.info({
      redisUrl: "redis://:hunter2@host",
      settings: { apiKey: "hunter2", url: "smtp://u:hunter2@h", secretAccessKey: "hunter2" },
      sessionToken: "hunter2",
    }),
  );
  expect(JSON.stringify(line)).not.toContain("hunter2");
});

test("a Redis error is logged without its command, which may be AUTH with the password", () => {
  const error = Object.assign(new Error("WRONGPASS invalid username-password pair"), {
    command: { name: "auth", args: ["default", "hunter2"] },
    code: "WRONGPASS",
  });
  const [line] = logged((log) => log.error({ error }, "trouble"));
  expect(line?.["error"]).toEqual({
    name: "Error",
    message: "WRONGPASS invalid username-password pair",
    code: "WRONGPASS",
    stack: expect.stringContaining("WRONGPASS"),
  });
});

test("lines below the level are not written", () => {
  expect(logged((log) => log.debug("detail"))).toEqual([]);
  expect(logged((log) => log.debug("detail"), "debug")).toMatchObject([{ msg: "detail" }]);
});
