import { type Directive, giveDirective, holds, readFleet } from "@understudy/resilience";

import { acting } from "./acting.ts";
import { routedTo } from "./capabilities.ts";
import { type Context, knowledgeOf } from "./context.ts";
import type { Who } from "./face.ts";
import { checkOrder, isMoneyOrder, subjectOf } from "./orders.ts";
import type { Directed, Order, Weighed } from "./views.ts";
import { consequenceOf, warningsOf } from "./weighing.ts";

/** What `direct` would do; changes nothing. */
export async function weigh(context: Context, order: Order): Promise<Weighed> {
  const [know, { directives, circuits, now }] = await Promise.all([
    knowledgeOf(context),
    context.ask((redis) => readFleet(redis, context.namespace)),
  ]);
  checkOrder(order, know.routes);
  const { provider, capability } = order;
  const capabilities = capability === undefined ? routedTo(know, provider).toSorted() : [capability];
  const held = directives.filter((directive) => holds(directive, now));
  const facts = { context, routes: know.routes, capabilities, held, circuits, now };
  return {
    capabilities,
    isMoney: isMoneyOrder(context, order, capabilities),
    consequence: consequenceOf(order, facts),
    warnings: warningsOf(order, facts),
  };
}

export async function direct(context: Context, order: Order, who: Who): Promise<Directed> {
  const weighed = await weigh(context, order);
  const { verb, provider, capability, forMs } = order;
  let directive: Directive | undefined;
  const deed = { action: verb, subject: subjectOf(order), isMoney: weighed.isMoney };
  await acting(context, who, { ...deed, plan: planOf(order) }, async ({ by, reason }) => {
    const word = {
      verb,
      provider,
      reason,
      by: by.name,
      ...(capability === undefined ? {} : { capability }),
      ...(forMs === undefined ? {} : { forMs }),
    };
    directive = await context.ask((redis) => giveDirective(redis, context.namespace, word));
    return "directed";
  });
  if (directive === undefined) throw new TypeError("what was given is a directive");
  return { ...weighed, directive };
}

function planOf({ verb, provider, capability = "all of its", forMs }: Order): object {
  return { verb, provider, capability, forMs: forMs ?? "until it is restored" };
}
