import type { Redis } from "@understudy/queue";
import {
  type Directive,
  giveDirective,
  holds,
  readFleet,
  takeBackDirective,
  verbs,
} from "@understudy/resilience";

import { acting } from "./acting.ts";
import { isMoneyCapability, routedTo } from "./capabilities.ts";
import { invalid } from "./check.ts";
import { type Context, knowledgeOf } from "./context.ts";
import type { Who } from "./face.ts";
import type { Directed, Order, Restored, Weighed } from "./views.ts";
import { consequenceOf, warningsOf } from "./weighing.ts";

const DAY = 86_400_000;
const MAX_DAYS = 30;

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

/** Of a provider as a whole: takes back whatever was said of it, also of its capabilities. */
export async function restore(
  context: Context,
  about: Pick<Order, "provider" | "capability">,
  who: Who,
): Promise<Restored> {
  const { provider, capability } = about;
  checkText("provider", provider);
  if (capability !== undefined) checkText("capability", capability);
  const { directives, now } = await context.ask((redis) => readFleet(redis, context.namespace));
  const ofProvider = directives.filter((one) => one.provider === provider && holds(one, now));
  const meant = ofProvider.filter((one) => capability === undefined || one.capability === capability);
  const know = await knowledgeOf(context);
  const said = meant.flatMap(({ capability: of }) => of ?? []);
  const capabilities = capability === undefined ? [...routedTo(know, provider), ...said] : [capability];
  const isMoney = isMoneyOrder(context, about, capabilities);
  const answer = await acting(
    context,
    who,
    { action: "restore", subject: subjectOf(about), isMoney },
    async ({ by, reason }) => {
      for (const { capability: of } of meant) {
        const word = { provider, reason, by: by.name, ...(of === undefined ? {} : { capability: of }) };
        // Whether it was there says nothing when the question is asked again: a first answer may be lost.
        await context.ask((redis: Redis) => takeBackDirective(redis, context.namespace, word));
      }
      return meant.length === 0 ? "nothing" : "restored";
    },
  );
  return { answer, directives: meant, sentence: restoredWords(about, meant, ofProvider, directives) };
}

function restoredWords(
  about: Pick<Order, "provider" | "capability">,
  meant: readonly Directive[],
  ofProvider: readonly Directive[],
  all: readonly Directive[],
): string {
  if (meant.length > 0)
    return `${subjectOf(about)} is as its route has it again: ${meant.map(({ verb }) => verb).join(" and ")} taken back.`;
  const nothing = `Nothing was said of ${subjectOf(about)}, so there is nothing to take back.`;
  if (ofProvider.length > 0)
    return `${nothing} What holds: ${ofProvider.map((one) => `${one.verb} ${subjectOf(one)}`).join(", ")}.`;
  const others = [...new Set(all.map(subjectOf))];
  return others.length === 0 ? nothing : `${nothing} Something was said of ${others.join(", ")}.`;
}

/** "sendgrid", or "sendgrid email.send". */
function subjectOf({ provider, capability }: Pick<Order, "provider" | "capability">): string {
  return capability === undefined ? provider : `${provider} ${capability}`;
}

function planOf({ verb, provider, capability = "all of its", forMs }: Order): object {
  return { verb, provider, capability, forMs: forMs ?? "until it is restored" };
}

/** Money when a capability that it is about is, by the routes or by the provider's own definition. */
function isMoneyOrder(
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
function checkOrder(order: Order, routes: ReadonlyMap<string, readonly string[]>): void {
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

function checkText(what: string, name: unknown): void {
  if (typeof name !== "string" || !/^[\w.:/-]{1,100}$/u.test(name))
    throw invalid(`That is no name of a ${what}: it has letters, digits, dots and dashes.`);
}

const quoted = (name: string): string => `"${name.slice(0, 60)}"`;
