import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { welcomeEmail } from "@understudy/jobs";
import { connectWorker, type Redis } from "@understudy/queue";
import { afterAll, beforeAll, expect, test } from "vitest";

import { inProcess } from "../testing/in-process.ts";
import { deadLetters, exhausted } from "../testing/letters.ts";
import type { Finding } from "./finding.ts";

const namespace = "doctor";
let redisUrl: string;
let redis: Redis;
let stop: () => Promise<void>;

/** A server of this file's own, whose settings may be spoilt. */
beforeAll(async () => {
  const folder = mkdtempSync(join(tmpdir(), "understudy-doctor-"));
  const child = spawn(process.execPath, [join(import.meta.dirname, "../../../../scripts/redis.ts"), folder], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const [line] = (await once(child.stdout, "data")) as readonly Buffer[];
  redisUrl = (JSON.parse(String(line)) as { readonly url: string }).url;
  redis = connectWorker(redisUrl);
  stop = async () => {
    redis.disconnect();
    child.kill("SIGTERM");
    await once(child, "exit");
    rmSync(folder, { recursive: true, force: true });
  };
}, 60_000);
afterAll(async () => await stop());

interface Examined {
  readonly code: number | null;
  readonly of: (check: string) => readonly Finding[];
  readonly all: readonly Finding[];
}

async function examine(url = redisUrl, ...flags: readonly string[]): Promise<Examined> {
  const { code, out, err } = await inProcess(["doctor", "--json", ...flags], {
    REDIS_URL: url,
    NAMESPACE: namespace,
  });
  expect(err).toBe("");
  const { v, ok, findings } = JSON.parse(out) as {
    readonly v: 1;
    readonly ok: boolean;
    readonly findings: readonly Finding[];
  };
  expect({ v, ok }).toEqual({ v: 1, ok: code === 0 });
  for (const { level, mend } of findings) expect(mend === undefined).toBe(level === "ok");
  return { code, all: findings, of: (check) => findings.filter((each) => each.check === check) };
}

test("a sound server passes; production asks for a password as well", async () => {
  const usual = await examine();
  expect(usual.all.filter(({ level }) => level !== "ok")).toEqual([]);
  expect(usual.code).toBe(0);
  const production = await examine(redisUrl, "--prod");
  expect(production.of("transport")).toMatchObject([
    { level: "warning", sentence: expect.stringContaining("No password") },
  ]);
});

test("settings that lose jobs are problems, and what mends each of them mends it", async () => {
  await redis.config("SET", "maxmemory-policy", "allkeys-lru");
  await redis.config("SET", "appendonly", "no");
  const bad = await examine();
  expect(bad.code).toBe(1);
  expect(bad.of("persistence")).toMatchObject([
    { level: "problem", sentence: expect.stringContaining("a restart loses every job") },
  ]);
  expect(bad.of("eviction")).toMatchObject([
    { level: "problem", mend: expect.stringMatching(/-p \d+ CONFIG SET maxmemory-policy noeviction/u) },
  ]);
  for (const { mend = "" } of bad.all) {
    const [, name, value] = /CONFIG SET (\S+) (\S+)/u.exec(mend) ?? [];
    if (name !== undefined && value !== undefined) await redis.config("SET", name, value);
  }
  expect((await examine()).code).toBe(0);
});

test("what a person has to do is found: dead letters, queues without a worker, a paused one", async () => {
  await deadLetters(
    { redisUrl, namespace },
    welcomeEmail,
    [{ to: "ada@example.com", name: "Ada" }],
    exhausted,
  );
  const env = { REDIS_URL: redisUrl, NAMESPACE: namespace };
  expect(await inProcess(["queues", "pause", "email", "--reason", "test"], env)).toMatchObject({
    code: 0,
    out: "",
  });
  const found = await examine();
  expect(found.of("dead letters")).toMatchObject([
    { level: "warning", mend: "understudy dead-letters groups" },
  ]);
  expect(found.of("workers")).toMatchObject([{ level: "warning", mend: "QUEUES=email npm run worker" }]);
  expect(found.of("paused")).toMatchObject([
    { level: "warning", mend: expect.stringContaining("understudy queues resume email") },
  ]);
  expect(found.of("janitor")).toMatchObject([{ level: "ok" }]);
  expect(await inProcess(["queues", "resume", "email", "--reason", "test"], env)).toMatchObject({ code: 0 });
  const people = await inProcess(["doctor"], { ...env, COLUMNS: "80" });
  expect(people.out).toMatch(
    /^warning {2}dead letters {2}Dead letters wait.*\n {23}-> understudy dead-letters groups$/mu,
  );
});

test("a managed server that refuses CONFIG and INFO cannot be told everything of, and breaks nothing", async () => {
  await redis.call("ACL", "SETUSER", "managed", "on", ">s3cret", "~*", "&*", "+@all", "-config", "-info");
  const url = redisUrl.replace("redis://", "redis://managed:s3cret@");
  const { all, of } = await examine(url);
  expect(of("eviction")).toMatchObject([
    { level: "warning", sentence: expect.stringMatching(/^Cannot tell/u) },
  ]);
  expect(of("writes")).toMatchObject([{ level: "ok" }]);
  expect(of("latency")).toMatchObject([{ level: "ok" }]);
  expect(JSON.stringify(all)).not.toContain("s3cret");
});
