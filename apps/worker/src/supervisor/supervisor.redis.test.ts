import { createClient } from "@understudy/client";
import { welcomeEmail } from "@understudy/jobs";
import { sandboxes } from "@understudy/providers/sandbox";
import { newSpace, until } from "@understudy/testkit";
import { expect, onTestFinished, test, vi } from "vitest";

import { type RunningWorker, startWorker } from "../testing/start-worker.ts";

/** Several processes start at once, perhaps on one busy core. */
const STARTED_WITHIN_MS = 30_000;
vi.setConfig({ testTimeout: 60_000 });

type Fake = Awaited<ReturnType<typeof sandboxes.sendgrid.start>>;

async function sendgrid(): Promise<Fake> {
  const fake = await sandboxes.sendgrid.start();
  onTestFinished(() => fake.close());
  return fake;
}

/** Two workers, each with one slot: none can do it all. */
function startTwo(
  fake: Fake,
  env: Readonly<Record<string, string>>,
): { readonly supervisor: RunningWorker; readonly enqueue: (count: number) => Promise<readonly string[]> } {
  const { redisUrl, namespace } = newSpace();
  const about = { REDIS_URL: redisUrl, NAMESPACE: namespace, WORKER_PROCESSES: "2", QUEUES: "email=1" };
  const supervisor = startWorker({ ...about, ...env }, fake);
  const client = createClient({ redis: redisUrl, namespace });
  onTestFinished(() => client.close());
  const people = (count: number) =>
    Array.from({ length: count }, (_, i) => ({ to: `p${i}@example.com`, name: `P${i}` }));
  return {
    supervisor,
    enqueue: async (count) => (await client.enqueueMany(welcomeEmail, people(count))).map(({ id }) => id),
  };
}

/** So many workers have been started, restarts included, and they serve. */
async function ready(supervisor: RunningWorker, starts = 2): Promise<void> {
  await begun(supervisor, starts);
  await answers(supervisor, 200);
}

async function begun(supervisor: RunningWorker, starts = 2): Promise<void> {
  const count = () =>
    supervisor.lines().filter(({ event, process }) => event === "started" && process).length;
  await until(`${starts} workers have begun`, () => count() === starts, STARTED_WITHIN_MS);
}

async function answers(supervisor: RunningWorker, status: number): Promise<void> {
  await until(
    `/readyz answers ${status}`,
    async () => (await supervisor.get("/readyz")).status === status,
    STARTED_WITHIN_MS,
  );
}

function of(supervisor: RunningWorker, process: number, event: string) {
  return supervisor.lines().filter((line) => line.process === process && line.event === event);
}

/** The worker itself, and not its supervisor, speaks with its own pid. */
function pidOf(supervisor: RunningWorker, process: number): number {
  return of(supervisor, process, "started").at(-1)!.pid!;
}

async function settled(supervisor: RunningWorker, count: number): Promise<void> {
  await until(`${count} jobs are complete; it said: ${supervisor.output()}`, () => {
    return supervisor.lines().filter(({ verdict }) => verdict === "complete").length === count;
  });
}

/** The value of the first series whose name and labels begin so. */
async function metric(supervisor: RunningWorker, series: string): Promise<number> {
  const { text } = await supervisor.get("/metrics");
  const line = text.split("\n").find((one) => one.startsWith(series));
  return Number(line?.split(" ").at(-1));
}

const delivered = 'understudy_calls_total{provider="sendgrid",capability="email.send",kind="delivered"';

test("two processes serve one queue, each job once; one killed with a job is restarted, and neither job nor count is lost", async () => {
  const fake = await sendgrid();
  const { supervisor, enqueue } = startTwo(fake, { LOCK_MS: "2000", STALLED_CHECK_MS: "500" });
  await ready(supervisor);
  expect([1, 2].map((process) => of(supervisor, process, "started")[0]?.role)).toEqual(["both", "work"]);
  await fake.faults.set({ mode: "latency", share: 1, latencyMs: 20 });
  const ids = await enqueue(20);
  await settled(supervisor, 20);
  expect(fake.ledger.accepted).toBe(20);
  expect(new Set(fake.ledger.effects.map(({ jobId }) => jobId))).toEqual(new Set(ids));
  for (const process of [1, 2]) expect(of(supervisor, process, "settled").length).toBeGreaterThan(0);
  expect(await metric(supervisor, delivered)).toBe(20);
  expect(await metric(supervisor, 'understudy_worker_processes{state="ready"}')).toBe(2);

  // One that hangs does not hang the scrape, and is counted as it last said.
  process.kill(pidOf(supervisor, 2), "SIGSTOP");
  expect(await metric(supervisor, delivered)).toBe(20);
  process.kill(pidOf(supervisor, 2), "SIGCONT");

  await fake.faults.set({ mode: "latency", share: 1, latencyMs: 500 });
  let strikes = 0;
  const strike = fake.faults.strike.bind(fake.faults);
  fake.faults.strike = () => {
    strikes += 1;
    return strike();
  };
  const more = await enqueue(4);
  await until("both have one in hand", () => strikes === 2);
  process.kill(pidOf(supervisor, 2), "SIGKILL");
  await answers(supervisor, 503);
  await ready(supervisor, 3);
  await settled(supervisor, 24);
  expect(new Set(fake.ledger.effects.map(({ jobId }) => jobId))).toEqual(new Set([...ids, ...more]));
  expect(await metric(supervisor, delivered)).toBe(24);
  expect(await metric(supervisor, "understudy_worker_restarts_total")).toBe(1);
  expect(supervisor.lines().find(({ event }) => event === "worker_ended")?.msg).toMatch(
    /^worker 2 ended unasked \(SIGKILL\); .*; restarting it at once$/u,
  );

  supervisor.child.kill("SIGTERM");
  expect(await supervisor.ended).toBe(0);
  for (const process of [1, 2, undefined])
    for (const event of ["draining", "stopped"])
      expect(
        supervisor.lines().filter((line) => line.process === process && line.event === event),
      ).toHaveLength(1);
});

test("a wrong configuration ends with status 2, and is told once", async () => {
  const worker = startWorker({ REDIS_URL: "", WORKER_PROCESSES: "2" });
  expect(await worker.ended).toBe(2);
  expect(worker.output().split("\n").slice(1)).toEqual([
    "The environment needs mending (see .env.example):",
    "  - REDIS_URL is not set.",
    "  - SENDGRID_API_KEY is not set; sendgrid is on a route.",
    "",
  ]);
});

test("its supervisor killed, a worker drains, even one that has only begun", async () => {
  const { supervisor } = startTwo(await sendgrid(), {});
  await begun(supervisor);
  supervisor.child.kill("SIGKILL");
  // Whoever lived on would hold its output open.
  await supervisor.ended;
  for (const process of [1, 2]) expect(of(supervisor, process, "stopped")).toHaveLength(1);
});

test("in a drain nobody is restarted, and a second signal ends all at once, with status 1", async () => {
  const fake = await sendgrid();
  await fake.faults.set({ mode: "accept-then-hang", share: 1 });
  const { supervisor, enqueue } = startTwo(fake, {});
  await ready(supervisor);
  await enqueue(2);
  await until("both mails have arrived", () => fake.ledger.accepted === 2);
  supervisor.child.kill("SIGINT");
  await supervisor.line(({ event, process }) => event === "draining" && process === 1);
  process.kill(pidOf(supervisor, 1), "SIGKILL");
  // The repeats that come within 300 ms of the first are one signal that npm passed on.
  await until("all have ended", () => {
    supervisor.child.kill("SIGINT");
    return supervisor.child.exitCode !== null;
  });
  expect(await supervisor.ended).toBe(1);
  expect(supervisor.output()).not.toContain("restart");
  expect(of(supervisor, 2, "ended")[0]?.msg).toContain("1 job was running and keeps its lock");
  expect(supervisor.lines().at(-1)?.msg).toBe(
    "stopped; not in good order: worker 1 (SIGKILL), worker 2 (status 1)",
  );
});
