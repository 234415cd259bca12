import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

import { createClient } from "@understudy/client";
import { welcomeEmail } from "@understudy/jobs";
import { mailgun } from "@understudy/providers/mailgun";
import { sendgrid } from "@understudy/providers/sendgrid";
import { connectProducer, familyOf, keyOf, type Redis } from "@understudy/queue";
import { Queue } from "bullmq";

import { type Program, startProgram } from "../failover/program.ts";
import { type Act, CALL_TIMEOUT_MS, CONCURRENCY, PLAIN_QUEUE, type System, WORKERS } from "./settings.ts";
import type { Order, Report } from "./vendors.ts";

/** What one system made of the whole play. Times are milliseconds from its beginning. */
export interface Run {
  /** When each mail was enqueued, and when it arrived; absent: it never did. */
  readonly mails: readonly { readonly at: number; readonly arrivedAt?: number }[];
  readonly copies: number;
  readonly callsToPrimary: readonly number[];
  /** Jobs that ended without success. */
  readonly failed: number;
}

export interface Play {
  readonly acts: readonly Act[];
  readonly perSecond: number;
  /** How long what is left over may take to arrive. */
  readonly afterMs: number;
}

export async function run(system: System, { acts, perSecond, afterMs }: Play): Promise<Run> {
  const dataDir = mkdtempSync(join(tmpdir(), "understudy-bench-"));
  const server = await startProgram("scripts/redis.ts", {}, (line) => "url" in line, [dataDir]);
  const vendors = await startVendors();
  const redisUrl = String(server.said["url"]);
  const workers = await Promise.all(
    Array.from({ length: WORKERS }, () => startWorker(system, redisUrl, vendors.urls)),
  );
  const producer = openProducer(system, redisUrl);
  try {
    await sleep(1500);
    const began = Date.now();
    const sent = await perform(acts, perSecond, vendors, producer, began);
    const report = await allArrived(vendors, sent.length, afterMs);
    const arrived = new Map(report.arrived);
    return {
      mails: sent.map((at, n) => {
        const arrivedAt = arrived.get(n);
        return arrivedAt === undefined ? { at } : { at, arrivedAt: arrivedAt - began };
      }),
      copies: report.copies,
      callsToPrimary: report.calls.primary.map((at) => at - began),
      failed: await producer.failed(),
    };
  } finally {
    await producer.close();
    await Promise.all(workers.map((worker) => worker.stop()));
    vendors.child.disconnect();
    await server.stop();
    rmSync(dataDir, { recursive: true, force: true });
  }
}

/** A steady load, whatever becomes of it. @returns when each mail was enqueued */
async function perform(
  acts: readonly Act[],
  perSecond: number,
  vendors: Vendors,
  producer: Producer,
  began: number,
): Promise<readonly number[]> {
  const sent: number[] = [];
  let end = 0;
  for (const { mood, seconds } of acts) {
    vendors.child.send({ order: "be", mood } satisfies Order);
    end += seconds * 1000;
    while (Date.now() - began < end) {
      const due = Math.floor(((Date.now() - began) * perSecond) / 1000);
      const numbers = Array.from({ length: due - sent.length }, (_, n) => sent.length + n);
      for (const _ of numbers) sent.push(Date.now() - began);
      if (numbers.length > 0) void producer.enqueue(numbers);
      await sleep(20);
    }
  }
  return sent;
}

async function allArrived(vendors: Vendors, count: number, withinMs: number): Promise<Report> {
  const deadline = Date.now() + withinMs;
  for (;;) {
    vendors.child.send({ order: "report" } satisfies Order);
    const [report] = (await once(vendors.child, "message")) as [Report];
    if (report.arrived.length >= count || Date.now() > deadline) return report;
    await sleep(500);
  }
}

interface Vendors {
  readonly child: ChildProcess;
  readonly urls: { readonly primary: string; readonly backup: string };
}

async function startVendors(): Promise<Vendors> {
  const child = fork(join(import.meta.dirname, "vendors.ts"), {
    execArgv: ["--conditions=@understudy/source"],
    stdio: ["ignore", "pipe", "inherit", "ipc"],
  });
  const [line] = (await once(child.stdout!, "data")) as [Buffer];
  const { primary, backup } = JSON.parse(line.toString()) as { primary: number; backup: number };
  return {
    child,
    urls: { primary: `http://127.0.0.1:${primary}`, backup: `http://127.0.0.1:${backup}` },
  };
}

async function startWorker(system: System, redis: string, urls: Vendors["urls"]): Promise<Program> {
  const isStarted = (line: Readonly<Record<string, unknown>>): boolean => line["event"] === "started";
  if (system === "plain")
    return await startProgram(
      "apps/bench/src/outage/plain-worker.ts",
      { REDIS_URL: redis, PRIMARY_URL: urls.primary },
      isStarted,
    );
  const env = {
    REDIS_URL: redis,
    NODE_ENV: "development",
    FLEET: system === "fleet" ? "shared" : "alone",
    ROLE: "work",
    HTTP_PORT: "0",
    LOG_LEVEL: "info",
    QUEUES: `email=${CONCURRENCY}`,
    ROUTE_EMAIL_SEND: "sendgrid,mailgun",
    SENDGRID_API_KEY: String(sendgrid.sandboxConfig["apiKey"]),
    SENDGRID_BASE_URL: urls.primary,
    MAILGUN_API_KEY: String(mailgun.sandboxConfig["apiKey"]),
    MAILGUN_DOMAIN: String(mailgun.sandboxConfig["domain"]),
    MAILGUN_BASE_URL: urls.backup,
    CALL_TIMEOUT_MS: String(CALL_TIMEOUT_MS),
    CIRCUIT_SLOW_MS: "1000",
  };
  return await startProgram("apps/worker/src/main.ts", env, isStarted);
}

interface Producer {
  enqueue(numbers: readonly number[]): Promise<void>;
  failed(): Promise<number>;
  close(): Promise<void>;
}

const mailOf = (n: number) => ({ to: `mail-${n}@example.com`, name: "Ada" });

function openProducer(system: System, redisUrl: string): Producer {
  const redis = connectProducer(redisUrl);
  return system === "plain" ? plainProducer(redis) : ourProducer(redis, redisUrl);
}

function ourProducer(redis: Redis, redisUrl: string): Producer {
  const client = createClient({ redis: redisUrl });
  const family = familyOf("email");
  return {
    async enqueue(numbers) {
      await client.enqueueMany(welcomeEmail, numbers.map(mailOf));
    },
    failed: () => redis.zcard(keyOf(family, "dead", "failed")),
    async close() {
      await client.close();
      redis.disconnect();
    },
  };
}

function plainProducer(redis: Redis): Producer {
  const queue = new Queue(PLAIN_QUEUE, { connection: redis });
  const opts = { attempts: 8, backoff: { type: "exponential", delay: 1000 } };
  return {
    async enqueue(numbers) {
      await queue.addBulk(numbers.map((n) => ({ name: "welcome", data: mailOf(n), opts })));
    },
    failed: () => queue.getFailedCount(),
    async close() {
      await queue.close();
      redis.disconnect();
    },
  };
}
