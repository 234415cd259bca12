import type { FastifyReply, FastifyRequest } from "fastify";

/** Our cookies, named and marked by how browsers reach us. */
export interface CookieJar {
  session(request: FastifyRequest): string | undefined;
  setSession(reply: FastifyReply, id: string): void;
  clearSession(reply: FastifyReply): void;
  /** Belongs to the form of the sign-in page, before anybody has a session. */
  visit(request: FastifyRequest): string | undefined;
  setVisit(reply: FastifyReply, id: string): void;
  /** Lives from when somebody leaves for their identity provider until they come back. */
  errand(request: FastifyRequest): string | undefined;
  setErrand(reply: FastifyReply, id: string): void;
  clearErrand(reply: FastifyReply): void;
}

export const CALLBACK = "/sign-in/callback";
const ERRAND_S = 600;

/** @param isSecure asked at each use: the port, and so the origin, is known only once the server listens */
export function createCookies(isSecure: () => boolean): CookieJar {
  const host = (name: string): string => (isSecure() ? `__Host-${name}` : name);
  const errandName = (): string => (isSecure() ? "__Secure-understudy-errand" : "understudy-errand");
  const strict = () => ({ httpOnly: true, sameSite: "strict", secure: isSecure(), path: "/" }) as const;
  // Lax: it must come along when the identity provider sends the browser back, and only there.
  const errand = () => ({ httpOnly: true, sameSite: "lax", secure: isSecure(), path: CALLBACK }) as const;
  return {
    session: ({ cookies }) => cookies[host("understudy")],
    setSession: (reply, id) => void reply.setCookie(host("understudy"), id, strict()),
    clearSession: (reply) => void reply.clearCookie(host("understudy"), strict()),
    visit: ({ cookies }) => cookies[host("understudy-visit")],
    setVisit: (reply, id) => void reply.setCookie(host("understudy-visit"), id, strict()),
    errand: ({ cookies }) => cookies[errandName()],
    setErrand: (reply, id) => void reply.setCookie(errandName(), id, { ...errand(), maxAge: ERRAND_S }),
    clearErrand: (reply) => void reply.clearCookie(errandName(), errand()),
  };
}
