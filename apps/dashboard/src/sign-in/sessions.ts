import { createHash, randomBytes } from "node:crypto";

import type { Role } from "@understudy/operator";
import type { Redis } from "@understudy/queue";
import * as z from "zod";

/** Somebody who has signed in. */
export interface Session {
  /** What the cookie holds; Redis knows only its hash. */
  readonly id: string;
  readonly name: string;
  readonly role: Role;
  /** How they proved who they are. */
  readonly via: "password" | "oidc" | "link";
  /** Every form of theirs carries it. */
  readonly csrf: string;
  readonly startedAt: number;
}

export interface Sessions {
  open(who: Pick<Session, "name" | "role" | "via">): Promise<Session>;
  /** Also puts off its end. */
  find(id: string): Promise<Session | undefined>;
  /** Leaves its end where it is: a page that only listens keeps nobody signed in. */
  peek(id: string): Promise<Session | undefined>;
  close(id: string): Promise<void>;
}

interface Options {
  readonly redis: Redis;
  readonly namespace: string;
  readonly now?: () => number;
  /** Without a request of theirs for so long, they are signed out. */
  readonly idleMs?: number;
  /** However busy they are. */
  readonly absoluteMs?: number;
}

const stored = z.object({
  name: z.string(),
  role: z.enum(["viewer", "operator", "money-operator", "admin"]),
  via: z.enum(["password", "oidc", "link"]),
  csrf: z.string(),
  startedAt: z.number(),
});
const hour = 3_600_000;
const idShape = /^[\w-]{43}$/u;

/** In Redis, so that every replica knows them and a restart signs nobody out. */
export function createSessions({
  redis,
  namespace,
  now = Date.now,
  idleMs = hour,
  absoluteMs = 12 * hour,
}: Options): Sessions {
  const keyOf = (id: string): string =>
    `${namespace}:{dashboard}:session:${createHash("sha256").update(id).digest("hex")}`;
  const peek = async (id: string): Promise<Session | undefined> => {
    const text = idShape.test(id) ? await redis.get(keyOf(id)) : null;
    if (text === null) return undefined;
    const session = stored.parse(JSON.parse(text));
    return session.startedAt + absoluteMs > now() ? { ...session, id } : undefined;
  };
  return {
    async open(who) {
      const id = secretOf256Bits();
      const session = { ...who, csrf: secretOf256Bits(), startedAt: now() };
      await redis.set(keyOf(id), JSON.stringify(session), "PX", Math.min(idleMs, absoluteMs));
      return { ...session, id };
    },
    peek,
    async find(id) {
      const session = await peek(id);
      if (session === undefined) return undefined;
      const left = session.startedAt + absoluteMs - now();
      await redis.pexpire(keyOf(id), Math.min(idleMs, left));
      return session;
    },
    async close(id) {
      await redis.del(keyOf(id));
    },
  };
}

export function secretOf256Bits(): string {
  return randomBytes(32).toString("base64url");
}
