import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { createInterface } from "node:readline";

import { newSpace } from "@understudy/testkit";
import { expect, onTestFinished, test } from "vitest";

import { visitor } from "./testing/stage.ts";

const { redisUrl, namespace } = newSpace();

function start(env: Readonly<Record<string, string>>): ChildProcess {
  const child = spawn(
    process.execPath,
    ["--conditions=@understudy/source", join(import.meta.dirname, "main.ts")],
    {
      env: { PATH: process.env["PATH"], DASHBOARD_PORT: "0", ...env },
      stdio: ["ignore", "pipe", "pipe"],
    },
  );
  onTestFinished(() => void child.kill("SIGKILL"));
  return child;
}

interface Line {
  readonly event?: string;
  readonly url?: string;
  readonly link?: string;
}

async function first(child: ChildProcess, event: string): Promise<Line> {
  for await (const text of createInterface({ input: child.stdout! })) {
    const line = JSON.parse(text) as Line;
    if (line.event === event) return line;
  }
  throw new Error(`it ended without saying ${event}`);
}

test("it says in JSON where it is and how to get in, serves, and ends with status 0 on SIGTERM", async () => {
  const child = start({ REDIS_URL: redisUrl, NAMESPACE: namespace, DASHBOARD_ONE_TIME_LINK: "1" });
  const { url = "", link = "" } = await first(child, "started");
  const entered = await visitor(url, "").get(link.replace(url, ""));
  const cookie = entered.headers.getSetCookie()[0]?.split(";")[0] ?? "";
  for (const path of ["/", "/dead-letters", "/audit", "/board", "/board/api/queues"])
    expect([path, (await visitor(url, cookie).get(path)).status]).toEqual([path, 200]);
  // A page that listens must not hold it up.
  const listening = visitor(url, cookie).get("/events?of=overview");
  await listening;
  child.kill("SIGTERM");
  expect((await once(child, "exit"))[0]).toBe(0);
});

test("a wrong environment ends it with status 2 and one message that names every wrong variable", async () => {
  const child = start({ REDIS_URL: "nonsense", DASHBOARD_PORT: "x" });
  let complaint = "";
  child.stderr!.on("data", (chunk: Buffer) => (complaint += chunk.toString()));
  expect((await once(child, "exit"))[0]).toBe(2);
  for (const words of ["REDIS_URL", "DASHBOARD_PORT", "Nobody could sign in"])
    expect(complaint).toContain(words);
});

test("it starts without Redis, and says so on its pages", async () => {
  const child = start({
    REDIS_URL: "redis://127.0.0.1:9",
    NAMESPACE: namespace,
    DASHBOARD_ONE_TIME_LINK: "1",
  });
  const { url = "", link = "" } = await first(child, "started");
  const answer = await visitor(url, "").get(link.replace(url, ""));
  expect(answer.status).toBe(503);
  expect(await answer.text()).toContain("Redis does not answer");
});
