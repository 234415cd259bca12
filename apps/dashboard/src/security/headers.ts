import helmet from "@fastify/helmet";
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";

const policy = (styles: string): string =>
  [
    "default-src 'none'",
    "script-src 'self'",
    `style-src ${styles}`,
    "img-src 'self' data:",
    "connect-src 'self'",
    "font-src 'self'",
    "form-action 'self'",
    "frame-ancestors 'none'",
    "base-uri 'none'",
  ].join("; ");

const ours = policy("'self'");
// Bull Board's own page sets <base> to where it stands, and styles in attributes.
const board = policy("'self' 'unsafe-inline'").replace("base-uri 'none'", "base-uri 'self'");

export async function addHeaders(app: FastifyInstance, isSecure: boolean): Promise<void> {
  await app.register(helmet, {
    contentSecurityPolicy: false,
    // Not "no-referrer": browsers then say "Origin: null" of our own forms.
    referrerPolicy: { policy: "same-origin" },
    frameguard: { action: "deny" },
    hsts: isSecure ? { maxAge: 31_536_000 } : false,
  });
  app.addHook("onRequest", async (request, reply) => {
    setHeaders(request, reply);
  });
}

function setHeaders({ url }: FastifyRequest, reply: FastifyReply): void {
  const isBoard = url === "/board" || url.startsWith("/board/") || url.startsWith("/board?");
  reply.header("content-security-policy", isBoard ? board : ours);
  // Overwritten where a file may be kept.
  reply.header("cache-control", "no-store");
}
