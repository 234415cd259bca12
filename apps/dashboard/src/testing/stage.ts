import { scryptSync } from "node:crypto";

import { type Client, createClient } from "@understudy/client";
import { createOperator, type Operator, type Role, roles } from "@understudy/operator";
import { announceWorker, familyOf, locate, type Redis, type WorkerInfo } from "@understudy/queue";
import { type Circuit, closedCircuit, openFleetStore } from "@understudy/resilience";
import { startRuntime } from "@understudy/runtime";
import { newSpace, type Space, until } from "@understudy/testkit";
import { pino } from "pino";

import { readConfig } from "../config.ts";
import { connectRedis } from "../redis.ts";
import { type Dashboard, type DashboardParts, startDashboard } from "../server.ts";
import { createOneTimeLink, type OneTimeLink } from "../sign-in/one-time-link.ts";
import { createSessions } from "../sign-in/sessions.ts";
import { knownProviders, noteJob, payJob, routesTo, testJobs, testProviders } from "./jobs.ts";

export const PASSWORD = "correct horse battery staple";
// Cheap, so that tests are quick; real ones cost half a second.
const salt = Buffer.alloc(16, 7);
const key = scryptSync(PASSWORD, salt, 32, { N: 2 ** 14, r: 8, p: 1 });
const hash = `scrypt$ln=14,r=8,p=1$${salt.toString("base64")}$${key.toString("base64")}`;
/** One user of each role, named like it. */
const users = JSON.stringify(roles.map((role) => ({ name: role, role, password: hash })));

export interface Stage {
  readonly url: string;
  readonly port: number;
  readonly space: Space;
  readonly redis: Redis;
  readonly operator: Operator;
  readonly client: Client;
  readonly link: OneTimeLink;
  /** A session of somebody with the role, made past the sign-in. */
  as(role: Role): Promise<Visitor>;
  /** Serves both queues by these providers until the stage is closed, or the answer is called. */
  serve(links: Parameters<typeof routesTo>[0]): () => Promise<void>;
  /** A worker that says it lives until the stage is closed, with these routes. */
  announce(routes: WorkerInfo["routes"]): Promise<void>;
  /** The fleet's circuit of alpha's notes comes to be so. */
  circuit(to: Partial<Circuit>): Promise<void>;
  /** Enqueues, and waits until it is a dead letter. */
  dies(what: "note" | "pay", payload: Readonly<Record<string, string>>): Promise<string>;
  placeOf(id: string): Promise<string>;
  close(): Promise<void>;
}

/** A browser without a window: keeps its cookie, tells its origin. */
export interface Visitor {
  readonly cookie: string;
  readonly csrf: string;
  get(path: string, headers?: Readonly<Record<string, string>>): Promise<Response>;
  /** As a form of our own pages does. */
  post(
    path: string,
    fields: Readonly<Record<string, string>>,
    headers?: Readonly<Record<string, string>>,
  ): Promise<Response>;
  /** As Bull Board's pages do. */
  call(method: string, path: string, body?: unknown): Promise<Response>;
}

export async function newStage(
  more: Partial<Pick<DashboardParts, "limits" | "sessionMs">> & {
    readonly env?: Readonly<Record<string, string>>;
  } = {},
): Promise<Stage> {
  const space = newSpace();
  const { redisUrl, namespace } = space;
  const env = {
    REDIS_URL: redisUrl,
    NAMESPACE: namespace,
    DASHBOARD_PORT: "0",
    DASHBOARD_USERS_FILE: "users",
    DASHBOARD_ONE_TIME_LINK: "1",
    ...more.env,
  };
  const config = readConfig(env, () => users);
  const redis = connectRedis(config.redisUrl);
  const operator = createOperator({
    redis: config.redisUrl,
    namespace,
    jobs: testJobs,
    providers: knownProviders,
    deadlineMs: 1500,
  });
  const client = createClient({ redis: redisUrl, namespace });
  const link = createOneTimeLink();
  const log = pino({ level: "silent" });
  let payments = 0;
  const closing: (() => Promise<unknown>)[] = [];
  await until("Redis is there", () => redis.status === "ready");
  const dashboard: Dashboard = await startDashboard({
    ...more,
    config,
    operator,
    redis,
    jobs: testJobs,
    providers: testProviders,
    link,
    log,
  });
  const { url, port } = dashboard;
  const sessions = createSessions({ redis, namespace });
  const placeOf = async (id: string): Promise<string> => {
    const places = await Promise.all(
      ["notes", "till"].map((queue) => locate(redis, familyOf(queue, namespace), id)),
    );
    return places.find(({ place }) => place !== "absent")?.place ?? "absent";
  };

  return {
    url,
    port,
    space,
    redis,
    operator,
    client,
    link,
    placeOf,
    async as(role) {
      const { id, csrf } = await sessions.open({ name: role, role, via: "password" });
      return visitor(url, `understudy=${id}`, csrf);
    },
    serve(links) {
      const runtime = startRuntime({
        redis: redisUrl,
        namespace,
        jobs: testJobs,
        routes: routesTo(links),
        queues: [
          { name: "notes", concurrency: 5 },
          { name: "till", concurrency: 5 },
        ],
        locks: { lockMs: 2000, stalledCheckMs: 500 },
        observe: () => undefined,
      });
      const stop = () => runtime.close({ deadlineMs: 100 });
      closing.push(stop);
      return stop;
    },
    async announce(routes) {
      const about = { id: "w1", host: "h", pid: 1, role: "both", queues: ["notes", "till"], startedAt: 1 };
      const say = async (): Promise<void> =>
        await announceWorker(redis, namespace, { ...about, routes, circuits: {} });
      await say();
      const timer = setInterval(() => void say().catch(() => undefined), 5000);
      closing.push(async () => clearInterval(timer));
    },
    async circuit(to) {
      const name = { provider: "alpha", capability: "note.send" };
      const store = openFleetStore(redis, namespace);
      const { circuits } = await store.read();
      const before = circuits.find((one) => one.provider === name.provider)?.circuit ?? closedCircuit;
      const after = { ...before, since: Date.now(), ...to, version: before.version + 1 };
      await store.swap(name, { before, after, by: "ops-1:4711:a1b2", lease: "none" });
    },
    async dies(what, payload) {
      const { id } =
        what === "note"
          ? await client.enqueue(noteJob, { to: "ada@example.com", text: "hello", topic: "news", ...payload })
          : await client.enqueue(
              payJob,
              { to: "ada", text: "10 EUR", ...payload },
              // A random one looks like a card number now and then.
              { idempotencyKey: `order-${(payments += 1)}` },
            );
      await until(`${id} is a dead letter`, async () => (await placeOf(id)) === "dead");
      return id;
    },
    async close() {
      await Promise.all(closing.map((stop) => stop()));
      await dashboard.close();
      await client.close();
      await operator.close();
      redis.disconnect();
    },
  };
}

export function visitor(url: string, cookie: string, csrf = ""): Visitor {
  const ask = async (path: string, init: RequestInit): Promise<Response> =>
    await fetch(`${url}${path}`, { redirect: "manual", ...init });
  const page = { cookie, accept: "text/html" };
  return {
    cookie,
    csrf,
    get: (path, headers = {}) => ask(path, { headers: { ...page, ...headers } }),
    post: (path, fields, headers = {}) =>
      ask(path, {
        method: "POST",
        headers: { ...page, origin: url, "content-type": "application/x-www-form-urlencoded", ...headers },
        body: new URLSearchParams({ csrf, ...fields }).toString(),
      }),
    call: (method, path, body) =>
      ask(`/board/api${path}`, {
        method,
        headers: {
          cookie,
          accept: "application/json",
          ...(method === "GET" ? {} : { origin: url }),
          ...(body === undefined ? {} : { "content-type": "application/json" }),
        },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      }),
  };
}
