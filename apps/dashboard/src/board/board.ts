import { dirname } from "node:path";
import { fileURLToPath } from "node:url";

import { createBullBoard } from "@bull-board/api";
import { FastifyAdapter } from "@bull-board/fastify";
import { type AnyJob, HIDDEN } from "@understudy/core";
import type { Operator } from "@understudy/operator";
import type { Redis } from "@understudy/queue";
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import type { Logger } from "pino";

import { explain } from "../errors.ts";
import { actorOf } from "../pages/parts.ts";
import type { RunDriver } from "../run-driver.ts";
import { doDeed } from "./deeds.ts";
import { buttonsFor, decideOnBoard } from "./policy.ts";
import { type BoardQueues, createBoardQueues } from "./queues.ts";
import { veilData, veilJob } from "./veil.ts";

interface BoardParts {
  readonly operator: Operator;
  readonly redis: Redis;
  readonly namespace: string;
  readonly jobs: readonly AnyJob[];
  readonly runs: RunDriver;
  readonly environment: string | undefined;
  readonly log: Logger;
}

type UiConfig = NonNullable<NonNullable<Parameters<typeof createBullBoard>[0]["options"]>["uiConfig"]>;

const BOARD = "/board";
const POLL_S = 5;

/** Bull Board under our guard: we decide on every request, act ourselves where it would act alone, and veil what it shows. */
export async function addBoard(app: FastifyInstance, parts: BoardParts): Promise<void> {
  const server = new FastifyAdapter();
  server.setBasePath(BOARD);
  const board = createBullBoard({
    queues: [],
    serverAdapter: server,
    options: { uiBasePath: uiFolder(), uiConfig: uiConfig(parts.environment) },
  });
  server.setErrorHandler((error) => {
    const { status, words } = explain(error);
    if (status === 500) parts.log.error({ event: "board_failed", error }, "Bull Board failed");
    return { status: status as 500, body: errorBody(words) };
  });
  const queues = createBoardQueues({ ...parts, onNew: (adapter) => board.addQueue(adapter) });
  await app.register(async (scope) => {
    scope.addHook("onRoute", (route) => {
      route.config = { ...route.config, isJsonApi: true };
    });
    scope.addHook("preHandler", async (request, reply) => await decide(request, reply, parts, queues));
    scope.addHook(
      "preSerialization",
      async (request, _reply, body) => await veil(request, body, parts, queues),
    );
    scope.addHook("onSend", async (_request, reply, body) => withoutFonts(reply, body));
    await scope.register(server.registerPlugin(), { prefix: BOARD });
  });
}

function uiFolder(): string {
  return dirname(fileURLToPath(import.meta.resolve("@bull-board/ui/package.json")));
}

function uiConfig(environment: string | undefined): UiConfig {
  return {
    boardTitle: "Understudy",
    hideDocsLink: true,
    pollingInterval: { forceInterval: POLL_S },
    miscLinks: [
      { text: "Overview", url: "/" },
      { text: "Dead letters", url: "/dead-letters" },
      { text: "Audit", url: "/audit" },
    ],
    ...(environment === undefined
      ? {}
      : { environment: { label: environment, color: "#b3261e", textColor: "#ffffff" } }),
  };
}

/** @returns the reply when it has answered itself */
async function decide(
  request: FastifyRequest,
  reply: FastifyReply,
  parts: BoardParts,
  queues: BoardQueues,
): Promise<FastifyReply | undefined> {
  const by = actorOf(request);
  const { queueName = "", jobId = "" } = request.params as Readonly<Record<string, string | undefined>>;
  await queues.refresh();
  const queue = queues.find(queueName);
  const { method } = request;
  const route = routeOf(request);
  const decision = decideOnBoard({ method, route, role: by.role, queue });
  if (decision.by === "ours") {
    const done = await doDeed(decision.deed, { ...parts, queues }, { queue, jobId, by });
    return "why" in done
      ? await reply.code(409).send(errorBody(done.why))
      : await reply.code(done.status).send(done.body);
  }
  if (decision.by === "nobody") {
    await noteOnBoard(parts.operator, request, `refused: ${decision.why}`);
    return await reply.code(decision.status).send(errorBody(decision.why));
  }
  if (method === "GET" || method === "HEAD") return undefined;
  // A copy of what is shown would carry our mask instead of what it hides.
  if (JSON.stringify(request.body ?? null).includes(HIDDEN))
    return await reply
      .code(403)
      .send(errorBody(`${HIDDEN} stands in it: what the board hides cannot be copied.`));
  await noteOnBoard(parts.operator, request, "asked of Bull Board");
  return undefined;
}

function routeOf({ routeOptions }: FastifyRequest): string {
  return (routeOptions.url ?? "").slice(BOARD.length);
}

async function noteOnBoard(operator: Operator, request: FastifyRequest, result: string): Promise<void> {
  const { queueName = "", jobId } = request.params as Readonly<Record<string, string | undefined>>;
  const by = actorOf(request);
  const action = `board ${request.method} ${routeOf(request).replace("/api/queues/:queueName", "")}`;
  const subject = jobId === undefined ? queueName : `${queueName} ${jobId}`;
  await operator.note({ by, action, subject, result });
}

// The UI shows `message` as it is.
function errorBody(message: string): { readonly error: { readonly key: string }; readonly message: string } {
  return { error: { key: "ERRORS.FORBIDDEN" }, message };
}

type Json = Readonly<Record<string, unknown>>;

async function veil(
  request: FastifyRequest,
  body: unknown,
  { jobs }: BoardParts,
  queues: BoardQueues,
): Promise<unknown> {
  const { queueName = "", jobId = "" } = request.params as Readonly<Record<string, string | undefined>>;
  if (Array.isArray(body)) {
    // The lines of a job's log.
    const job = await queues.find(queueName)?.adapter.getJob(jobId);
    return job === undefined ? [] : veilData(job.data, job.name, jobs).veil(body as unknown[]);
  }
  if (typeof body !== "object" || body === null) return body;
  const { queues: shown, job, schedulers, flowRoot } = body as Json;
  if (Array.isArray(shown)) {
    const { role } = actorOf(request);
    return { ...body, queues: shown.map((queue: Json) => veilQueue(queue, role, jobs, queues)) };
  }
  if (typeof job === "object" && job !== null) return { ...body, job: veilJob(job as Json, jobs) };
  if (Array.isArray(schedulers))
    return { ...body, schedulers: schedulers.map((one: Json) => veilScheduler(one, jobs)) };
  return flowRoot === undefined ? body : { ...body, flowRoot: withoutProgress(flowRoot) };
}

function veilQueue(
  queue: Json,
  role: ReturnType<typeof actorOf>["role"],
  jobs: readonly AnyJob[],
  queues: BoardQueues,
): Json {
  const own = queues.find(String(queue["name"]));
  const list = Array.isArray(queue["jobs"]) ? (queue["jobs"] as Json[]) : [];
  return {
    ...queue,
    ...buttonsFor(role, own ?? { isDead: true, isMoney: true }),
    jobs: list.map((job) => veilJob(job, jobs)),
  };
}

function veilScheduler(scheduler: Json, jobs: readonly AnyJob[]): Json {
  const { template, name } = scheduler;
  if (typeof template !== "object" || template === null || !("data" in template)) return scheduler;
  const { data } = veilData(template.data, String(name), jobs);
  return { ...scheduler, template: { ...template, data } };
}

/** Progress may hold anything; that of a job's relatives is nobody's need. */
function withoutProgress(node: unknown): unknown {
  if (typeof node !== "object" || node === null) return node;
  const { progress: _progress, children, ...rest } = node as Json;
  return { ...rest, progress: 0, children: Array.isArray(children) ? children.map(withoutProgress) : [] };
}

/** Its page asks Google for fonts, which tells Google who looks; the policy of our headers forbids it anyway. */
function withoutFonts(reply: FastifyReply, body: unknown): unknown {
  if (typeof body !== "string" || !String(reply.getHeader("content-type")).includes("text/html")) return body;
  return body.replaceAll(/<link[^>]*fonts\.googleapis\.com[^>]*>/gu, "");
}
