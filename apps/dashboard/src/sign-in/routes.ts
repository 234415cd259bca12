import { createHmac, timingSafeEqual } from "node:crypto";

import type { Role } from "@understudy/operator";
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import * as z from "zod";

import { hopPage, wordsPage } from "../pages/words.ts";
import { withinDeadline } from "../redis.ts";
import { localPath } from "../security/origin.ts";
import { CALLBACK, type CookieJar } from "./cookies.ts";
import type { Limit } from "./limits.ts";
import type { Oidc } from "./oidc.ts";
import type { OneTimeLink } from "./one-time-link.ts";
import { signInPage } from "./page.ts";
import { verifyPassword } from "./password.ts";
import { secretOf256Bits, type Session, type Sessions } from "./sessions.ts";
import type { User } from "./users.ts";

export interface SignInParts {
  readonly users: readonly User[];
  readonly oidc: Oidc | undefined;
  readonly link: OneTimeLink | undefined;
  readonly sessions: Sessions;
  readonly cookies: CookieJar;
  readonly limit: Limit;
  readonly secret: string;
  /** Where browsers reach us. */
  readonly origin: () => string;
  /** Writes into the audit log who came, and who was turned away. */
  readonly note: (entry: SignInNote) => Promise<unknown>;
}

export interface SignInNote {
  readonly by: string;
  /** Of somebody who is known. */
  readonly role?: Role;
  readonly action: "sign-in" | "sign-out";
  readonly via: Session["via"];
  readonly result: string;
}

const form = z.object({
  name: z.string().max(200),
  password: z.string().max(1024),
  csrf: z.string(),
  next: z.string().max(4000).default("/"),
});
const isPublic = { config: { isPublic: true } } as const;

export function addSignIn(app: FastifyInstance, parts: SignInParts): void {
  const { cookies, sessions, note } = parts;

  const show = async (
    request: FastifyRequest,
    reply: FastifyReply,
    more: { readonly next: string; readonly problem?: string; readonly name?: string },
  ): Promise<FastifyReply> => {
    const visit = cookies.visit(request) ?? secretOf256Bits();
    cookies.setVisit(reply, visit);
    const csrf = tokenOf(parts.secret, visit);
    const page = { csrf, hasUsers: parts.users.length > 0, hasOidc: parts.oidc !== undefined, ...more };
    return await reply.type("text/html; charset=utf-8").send(signInPage(page));
  };

  /** A new id each time: one that somebody planted in the browser before is worth nothing. */
  const welcome = async (
    request: FastifyRequest,
    reply: FastifyReply,
    who: Pick<Session, "name" | "role" | "via">,
  ): Promise<void> => {
    const before = cookies.session(request);
    if (before !== undefined) await withinDeadline(sessions.close(before));
    const session = await withinDeadline(sessions.open(who));
    await note({
      by: who.name,
      role: who.role,
      action: "sign-in",
      via: who.via,
      result: `signed in as ${who.role}`,
    });
    cookies.setSession(reply, session.id);
  };

  app.get("/sign-in", isPublic, async (request, reply) => {
    const { next } = z.object({ next: z.string().optional().catch(undefined) }).parse(request.query);
    return await show(request, reply, { next: localPath(next) });
  });

  app.post("/sign-in", isPublic, async (request, reply) => {
    const parsed = form.safeParse(request.body);
    const next = localPath(parsed.data?.next);
    if (!parsed.success || !isTokenOf(parts.secret, cookies.visit(request), parsed.data.csrf)) {
      reply.code(403);
      return await show(request, reply, { next, problem: "The page was too old. Please try again." });
    }
    const waitS = await withinDeadline(parts.limit(request));
    if (waitS !== undefined) {
      await note({ by: "somebody", action: "sign-in", via: "password", result: "refused: too many tries" });
      reply.code(429).header("retry-after", waitS);
      return await show(request, reply, {
        next,
        problem: `Too many tries. Wait ${Math.ceil(waitS / 60)} min.`,
      });
    }
    const { name, password } = parsed.data;
    const user = parts.users.find((one) => one.name === name.trim());
    if (!(await verifyPassword(user?.password, password)) || user === undefined) {
      // A name that nobody has may be a password in the wrong field.
      await note({ by: user?.name ?? "somebody", action: "sign-in", via: "password", result: "refused" });
      reply.code(401);
      return await show(request, reply, { next, name, problem: "Name or password is wrong." });
    }
    await welcome(request, reply, { name: user.name, role: user.role, via: "password" });
    return await reply.redirect(next, 303);
  });

  // Without HEAD: what only looks at a link must not use it up.
  app.get("/sign-in/link", { ...isPublic, exposeHeadRoute: false }, async (request, reply) => {
    const { token } = z.object({ token: z.string().catch("") }).parse(request.query);
    if (parts.link?.use(token) !== true) {
      await note({ by: "somebody", action: "sign-in", via: "link", result: "refused" });
      const words =
        "This link was used already, is too old, or never was one. Start the dashboard again for another.";
      return await reply
        .code(403)
        .type("text/html; charset=utf-8")
        .send(wordsPage({ status: 403, words }));
    }
    await welcome(request, reply, { name: "local", role: "admin", via: "link" });
    return await reply.type("text/html; charset=utf-8").send(hopPage("/"));
  });

  app.post("/sign-out", async (request, reply) => {
    const { session } = request;
    if (session !== undefined) {
      await withinDeadline(sessions.close(session.id));
      await note({
        by: session.name,
        role: session.role,
        action: "sign-out",
        via: session.via,
        result: "signed out",
      });
    }
    cookies.clearSession(reply);
    return await reply.redirect("/sign-in", 303);
  });

  const { oidc } = parts;
  if (oidc === undefined) return;

  app.get("/sign-in/oidc", isPublic, async (request, reply) => {
    const { next } = z.object({ next: z.string().optional().catch(undefined) }).parse(request.query);
    try {
      const { href, errand } = await oidc.leave(`${parts.origin()}${CALLBACK}`, localPath(next));
      cookies.setErrand(reply, errand);
      return await reply.redirect(href, 303);
    } catch {
      const words =
        "The identity provider cannot be reached, or DASHBOARD_OIDC_ISSUER is not what it calls itself.";
      return await reply
        .code(502)
        .type("text/html; charset=utf-8")
        .send(wordsPage({ status: 502, words, way: again }));
    }
  });

  app.get(CALLBACK, isPublic, async (request, reply) => {
    const returned = await oidc.comeBack(new URL(request.url, parts.origin()), cookies.errand(request));
    cookies.clearErrand(reply);
    if (returned.is === "somebody") {
      await welcome(request, reply, { name: returned.name, role: returned.role, via: "oidc" });
      // Not a redirect: the browser would still be on its way from another site, and leave the session's cookie out.
      return await reply.type("text/html; charset=utf-8").send(hopPage(returned.next));
    }
    const who = returned.is === "nobody" ? returned.name : "somebody";
    const why = returned.is === "nobody" ? `${who} has no role here: ask for one` : returned.why;
    await note({ by: who, action: "sign-in", via: "oidc", result: `refused: ${why}` });
    const words = `You are not signed in: ${why}.`;
    return await reply
      .code(403)
      .type("text/html; charset=utf-8")
      .send(wordsPage({ status: 403, words, way: again }));
  });
}

const again = { href: "/sign-in", words: "Back to the sign-in" } as const;

function tokenOf(secret: string, visit: string): string {
  return createHmac("sha256", secret).update(visit).digest("base64url");
}

function isTokenOf(secret: string, visit: string | undefined, token: string): boolean {
  if (visit === undefined) return false;
  const [given, right] = [Buffer.from(token), Buffer.from(tokenOf(secret, visit))];
  return given.length === right.length && timingSafeEqual(given, right);
}
