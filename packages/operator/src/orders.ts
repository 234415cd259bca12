import { verbs } from "@understudy/resilience";

import { isMoneyCapability, routedTo } from "./capabilities.ts";
import { invalid } from "./check.ts";
import type { Context } from "./context.ts";
import type { Order } from "./views.ts";

const DAY = 86_400_000;
const MAX_DAYS = 30;

/** "sendgrid", or "sendgrid email.send". */
export function subjectOf({ provider, capability }: Pick<Order, "provider" | "capability">): string {
  return capability === undefined ? provider : `${provider} ${capability}`;
}

/** Money when a capability that it is about is, by the routes or by the provider's own definition. */
export function isMoneyOrder(
  context: Context,
  { provider, capability }: Pick<Order, "provider" | "capability">,
  capabilities: readonly string[],
): boolean {
  const defined =
    capability === undefined
      ? (context.providers[provider]?.adapters.map((adapter) => adapter.capability.name as string) ?? [])
      : [];
  return [...capabilities, ...defined].some((name) => isMoneyCapability(context, name));
}

/** @throws UnderstudyError option_invalid */
export function checkOrder(order: Order, routes: ReadonlyMap<string, readonly string[]>): void {
  const { verb, provider, capability, forMs } = order;
  if (!verbs.includes(verb)) throw invalid(`There is no ${verb as string}: there are ${verbs.join(", ")}.`);
  checkText("provider", provider);
  if (forMs !== undefined && !(forMs > 0 && forMs <= MAX_DAYS * DAY))
    throw invalid(
      `It must hold for longer than nothing and at most ${MAX_DAYS} days, or until it is restored.`,
    );
  const known = [...new Set([...routes.values()].flat())].toSorted();
  if (known.length === 0)
    throw invalid(
      "No live worker has told of its routes, so nobody would do it. Start a worker, or wait for one.",
    );
  if (!known.includes(provider))
    throw invalid(`No live worker has ${quoted(provider)} on a route: there are ${known.join(", ")}.`);
  if (capability === undefined) return;
  const own = routedTo({ routes }, provider).toSorted();
  if (!own.includes(capability))
    throw invalid(
      `${provider} is on no route of ${quoted(capability)}: it is on those of ${own.join(", ")}.`,
    );
}

export function checkText(what: string, name: unknown): void {
  if (typeof name !== "string" || !/^[\w.:/-]{1,100}$/u.test(name))
    throw invalid(`That is no name of a ${what}: it has letters, digits, dots and dashes.`);
}

const quoted = (name: string): string => `"${name.slice(0, 60)}"`;
