import { defineCapability, defineJob, defineProvider, type Outcome } from "@understudy/core";
import type { startRuntime } from "@understudy/runtime";
import * as z from "zod";

type RouteOf = Parameters<typeof startRuntime>[0]["routes"][number];
type LinkOf = RouteOf["links"][number];

const request = z.object({ to: z.string(), text: z.string() });
const receipt = z.object({ id: z.string() });
const noteSend = defineCapability({
  name: "note.send",
  request,
  receipt,
  duplicates: "tolerated",
  narrow: (whole, item) => ({ ...whole, to: item }),
});
const notePay = defineCapability({ name: "note.pay", request, receipt, duplicates: "forbidden" });
const quick = { attempts: 2, baseMs: 1, maxMs: 5 };

/** Like a mail: its addressee and its text are nobody's business. */
export const noteJob = defineJob({
  name: "note",
  queue: "notes",
  payload: z.object({ to: z.string().min(3), text: z.string(), topic: z.string() }),
  capability: noteSend,
  toRequest: ({ to, text }) => ({ to, text }),
  retry: quick,
  sensitive: ["to", "text"],
});

/** Like a charge: must not happen twice. */
export const payJob = defineJob({
  name: "pay",
  queue: "till",
  payload: request,
  capability: notePay,
  toRequest: (payload) => payload,
  retry: quick,
  sensitive: ["to"],
});

export const testJobs = [noteJob, payJob];
export const testProviders = ["alpha", "beta"].map((name) => ({
  name,
  capabilities: ["note.send", "note.pay"],
}));

const lookUp = { trustNotFoundAfterMs: 1, create: () => async () => "cannot_tell" as const };

/** What the operator knows of them. */
export const knownProviders = Object.fromEntries(
  ["alpha", "beta"].map((name) => [
    name,
    defineProvider({
      name,
      config: z.object({}),
      sandboxConfig: {},
      adapters: [
        { capability: noteSend, idempotency: "none", create: () => scripted(name, delivered).adapter },
        { capability: notePay, idempotency: "none", lookUp, create: () => scripted(name, delivered).adapter },
      ],
    }),
  ]),
);

export type Answer = Partial<Outcome> & Pick<Outcome, "kind">;

/** A provider that answers what the test says at that moment. */
export function scripted(provider: string, answer: () => Answer): LinkOf {
  return {
    provider,
    idempotency: "none",
    accepts: () => true,
    capacity: () => ({ room: Infinity, opensAt: 0 }),
    adapter: async () => ({ provider, at: Date.now(), durationMs: 1, ...answer() }) as Outcome,
  };
}

export function routesTo(links: readonly LinkOf[]): readonly RouteOf[] {
  return [noteSend, notePay].map((capability) => ({ capability, links }));
}

export const delivered = (): Answer => ({ kind: "delivered", receipt: { id: "r1" }, final: true });
export const failing = (
  kind: "rejected" | "unavailable" | "ambiguous",
  code: string,
  detail?: string,
): Answer => (detail === undefined ? { kind, code } : { kind, code, detail });
