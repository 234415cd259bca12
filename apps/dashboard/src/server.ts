import cookie from "@fastify/cookie";
import formbody from "@fastify/formbody";
import type { AnyJob } from "@understudy/core";
import type { Operator } from "@understudy/operator";
import type { Redis } from "@understudy/queue";
import Fastify, { type FastifyInstance } from "fastify";
import type { Logger } from "pino";

import { serveAssets } from "./assets.ts";
import { addBoard } from "./board/board.ts";
import type { DashboardConfig } from "./config.ts";
import { addErrors } from "./errors.ts";
import { addEvents } from "./live/events.ts";
import { addActions } from "./pages/action-routes.ts";
import { addAudit } from "./pages/audit.ts";
import { addJobs } from "./pages/job.ts";
import { nameEnvironment } from "./pages/layout.ts";
import { addLetter } from "./pages/letter.ts";
import { addLetters } from "./pages/letters.ts";
import { addOverview } from "./pages/overview.ts";
import type { KnownProvider } from "./pages/parts.ts";
import { addPlan } from "./pages/plan.ts";
import { addProviderActions } from "./pages/provider-actions.ts";
import { addQueueActions } from "./pages/queues.ts";
import { addRuns } from "./pages/runs.ts";
import { createRunDriver } from "./run-driver.ts";
import { addGuard } from "./security/guard.ts";
import { addHeaders } from "./security/headers.ts";
import { type Place, placeOf } from "./security/origin.ts";
import { createCookies } from "./sign-in/cookies.ts";
import { createLimit, type SignInLimits } from "./sign-in/limits.ts";
import { createOidc } from "./sign-in/oidc.ts";
import type { OneTimeLink } from "./sign-in/one-time-link.ts";
import { addSignIn } from "./sign-in/routes.ts";
import { createSessions, type Session } from "./sign-in/sessions.ts";

export interface DashboardParts {
  readonly config: DashboardConfig;
  readonly operator: Operator;
  /** For sessions and the board. */
  readonly redis: Redis;
  readonly jobs: readonly AnyJob[];
  readonly providers: readonly KnownProvider[];
  readonly link: OneTimeLink | undefined;
  readonly log: Logger;
  readonly limits?: SignInLimits;
  /** How long a session lasts, for tests. */
  readonly sessionMs?: { readonly idleMs: number; readonly absoluteMs: number };
}

export interface Dashboard {
  /** How browsers reach it. */
  readonly url: string;
  readonly port: number;
  close(): Promise<void>;
}

const BODY_LIMIT = 262_144;

export async function startDashboard(parts: DashboardParts): Promise<Dashboard> {
  const { config, operator, log } = parts;
  const app = Fastify({
    bodyLimit: BODY_LIMIT,
    trustProxy: config.trustedProxies.length > 0 ? [...config.trustedProxies] : false,
    // Pages that listen to events never end by themselves.
    forceCloseConnections: true,
    routerOptions: { maxParamLength: 500 },
  });
  let place: Place = placeOf(config.publicUrl, config.port);
  const runs = createRunDriver(operator, log);
  nameEnvironment(config.environment);
  await addRoutes(app, parts, () => place, runs);
  await app.listen({ host: config.host, port: config.port });
  const [address] = app.addresses();
  const port = typeof address === "object" ? address.port : config.port;
  place = placeOf(config.publicUrl, port);
  return {
    url: place.origins[0] ?? "",
    port,
    async close() {
      await runs.close();
      await app.close();
    },
  };
}

async function addRoutes(
  app: FastifyInstance,
  {
    config,
    operator,
    redis,
    jobs,
    providers,
    link,
    log,
    limits = {},
    sessionMs = {} as never,
  }: DashboardParts,
  place: () => Place,
  runs: ReturnType<typeof createRunDriver>,
): Promise<void> {
  const { namespace, users } = config;
  const sessions = createSessions({ redis, namespace, ...sessionMs });
  const cookies = createCookies(() => place().isSecure);
  // Nobody reads plain text here, and it is what a form of another site could send.
  app.removeContentTypeParser("text/plain");
  addErrors(app, log);
  await addHeaders(app, config.publicUrl?.protocol === "https:");
  await app.register(cookie);
  addGuard(app, { place, sessions, cookies, isWelcome: (session) => isWelcome(session, config) });
  app.get("/healthz", { config: { isPublic: true } }, async () => ({ isReady: redis.status === "ready" }));
  serveAssets(app);
  await app.register(async (pages) => {
    await pages.register(formbody);
    addSignIn(pages, {
      users,
      oidc: config.oidc === undefined ? undefined : createOidc(config.oidc, redis, namespace),
      link,
      sessions,
      cookies,
      limit: await createLimit(pages, redis, namespace, limits),
      secret: config.sessionSecret,
      origin: () => place().origins[0] ?? "",
      note: ({ by, role = "viewer", action, via, result }) =>
        operator.note({ by: { name: by, role }, action, subject: via, result }),
    });
    const shared = { operator, jobs, providers, runs };
    addOverview(pages, shared);
    addQueueActions(pages, shared);
    addProviderActions(pages, shared);
    addLetters(pages, shared);
    addPlan(pages, shared);
    addRuns(pages, shared);
    addLetter(pages, shared);
    addActions(pages, shared);
    addAudit(pages, shared);
    addJobs(pages, shared);
    addEvents(pages, { ...shared, sessions });
  });
  await addBoard(app, { operator, redis, namespace, jobs, runs, environment: config.environment, log });
}

/** Somebody who was taken off the users file, or has another role now, is signed out by the restart that read it. */
function isWelcome({ via, name, role }: Session, { users, oidc, hasOneTimeLink }: DashboardConfig): boolean {
  if (via === "link") return hasOneTimeLink;
  if (via === "oidc") return oidc !== undefined;
  return users.some((user) => user.name === name && user.role === role);
}
