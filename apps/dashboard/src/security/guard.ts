import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";

import { hopPage, wordsPage } from "../pages/words.ts";
import { withinDeadline } from "../redis.ts";
import type { CookieJar } from "../sign-in/cookies.ts";
import type { Session, Sessions } from "../sign-in/sessions.ts";
import { isKnownHost, isSameOrigin, localPath, type Place } from "./origin.ts";

declare module "fastify" {
  interface FastifyRequest {
    session: Session | undefined;
  }
  interface FastifyContextConfig {
    /** Whoever asks is answered. */
    isPublic?: boolean;
    /** Its callers cannot send a token; they send JSON, which no form of another site can. */
    isJsonApi?: boolean;
  }
}

interface Parts {
  readonly place: () => Place;
  readonly sessions: Sessions;
  readonly cookies: CookieJar;
  /** Whether somebody who signed in earlier still may. */
  readonly isWelcome: (session: Session) => boolean;
}

const safeMethods: ReadonlySet<string> = new Set(["GET", "HEAD"]);

/** Stands before every route, known or not: what is not public asks for a session. */
export function addGuard(app: FastifyInstance, parts: Parts): void {
  app.decorateRequest("session", undefined);
  app.addHook("onRequest", async (request, reply) => {
    const { isPublic } = request.routeOptions.config;
    if (request.routeOptions.url === "/healthz") return;
    if (!isKnownHost(parts.place(), request.headers.host)) return await refuseHost(reply);
    if (!safeMethods.has(request.method) && !isSameOrigin(parts.place(), request.headers))
      return await refuse(
        request,
        reply,
        403,
        "This did not come from a page of the dashboard, so nothing was done.",
      );
    if (isPublic === true) return;
    request.session = await sessionOf(request, parts);
    if (request.session === undefined) return await askToSignIn(request, reply);
  });
  app.addHook("preHandler", async (request, reply) => {
    if (safeMethods.has(request.method) || request.routeOptions.config.isPublic === true) return;
    if (!hasToken(request))
      return await refuse(
        request,
        reply,
        403,
        "The page was too old, or not ours, so nothing was done. Open it again.",
      );
  });
}

async function sessionOf(request: FastifyRequest, parts: Parts): Promise<Session | undefined> {
  const id = parts.cookies.session(request);
  if (id === undefined) return undefined;
  const session = await withinDeadline(parts.sessions.find(id));
  return session !== undefined && parts.isWelcome(session) ? session : undefined;
}

function hasToken(request: FastifyRequest): boolean {
  const { session, headers, body } = request;
  if (session === undefined) return false;
  if (request.routeOptions.config.isJsonApi === true) {
    const type = headers["content-type"];
    return type === undefined || /^application\/json\b/u.test(type);
  }
  const inForm = typeof body === "object" && body !== null && "csrf" in body ? body.csrf : undefined;
  return (inForm ?? headers["x-csrf-token"]) === session.csrf;
}

async function askToSignIn(request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> {
  if (!safeMethods.has(request.method) || !wantsPage(request))
    return await refuse(
      request,
      reply,
      401,
      "Sign in first: nobody is signed in here, or the session has ended.",
    );
  // A SameSite=Strict cookie does not come along when another site links to us: ask once more from here.
  if (request.headers["sec-fetch-site"] === "cross-site")
    return await reply.type("text/html; charset=utf-8").send(hopPage(localPath(request.url)));
  const next = localPath(request.url);
  return await reply.redirect(next === "/" ? "/sign-in" : `/sign-in?next=${encodeURIComponent(next)}`, 303);
}

export function wantsPage({ headers, url }: FastifyRequest): boolean {
  return (headers.accept ?? "").includes("text/html") && !url.startsWith("/board/api");
}

export async function refuse(
  request: FastifyRequest,
  reply: FastifyReply,
  status: number,
  words: string,
): Promise<FastifyReply> {
  reply.code(status);
  if (!wantsPage(request)) return await reply.send({ error: words, message: words });
  return await reply
    .type("text/html; charset=utf-8")
    .send(wordsPage({ status, words, session: request.session }));
}

async function refuseHost(reply: FastifyReply): Promise<FastifyReply> {
  const words = "The dashboard is not known by this name. Set DASHBOARD_PUBLIC_URL to the address you use.";
  return await reply.code(421).type("text/plain").send(words);
}
