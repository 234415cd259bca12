import { type Directive, directiveFor, type SharedCircuit } from "@understudy/resilience";

import { capabilityOf } from "./capabilities.ts";
import type { Context } from "./context.ts";
import type { Order } from "./views.ts";

export interface Facts {
  readonly context: Context;
  readonly routes: ReadonlyMap<string, readonly string[]>;
  /** Those that the order is about. */
  readonly capabilities: readonly string[];
  /** What holds before it. */
  readonly held: readonly Directive[];
  readonly circuits: readonly SharedCircuit[];
  readonly now: number;
}

/** What will happen, before it does. */
export function consequenceOf(order: Order, facts: Facts): string {
  const { verb, provider } = order;
  const words = after(order, facts);
  const ruled = ruledBy(order, words, facts);
  if (ruled.length === 0) return "Nothing changes: what was said before is the stronger word.";
  const of = ruled.join(", ");
  const left = ruled.flatMap((capability) =>
    closedAmong(leftFor(capability, words, facts), capability, facts),
  );
  const others = [...new Set(left)].filter((name) => name !== provider);
  const rest = others.length === 0 ? "" : ` The rest of its routes takes it over: ${others.join(", ")}.`;
  switch (verb) {
    case "divert":
      return `No worker sends ${provider} new work of ${of}. ${boundWords(ruled, words, facts)}${rest}`;
    case "prefer":
      return `Every worker asks ${provider} first for ${of}, as long as its circuit is closed. The others stay its backups.`;
    case "isolate":
      return `No worker calls ${provider} for ${of} at all, not even with a probe. What is bound to it waits.${rest}`;
  }
}

/** Nobody fetches a queue whose providers take no new work, but for a trickle that finds what is bound. */
function boundWords(ruled: readonly string[], words: readonly Directive[], facts: Facts): string {
  const idle = ruled.filter((capability) => givenWork(capability, words, facts).length === 0);
  return idle.length === 0
    ? "What is bound to it stays with it."
    : `What is bound to it is still settled there, but slowly: nobody else takes work of ${idle.join(", ")}, so about one of its jobs a second is looked at.`;
}

/** The capabilities for which it is what holds: no other word about them is stronger. */
function ruledBy(
  { verb, provider }: Order,
  words: readonly Directive[],
  { capabilities, now }: Facts,
): readonly string[] {
  return capabilities.filter((name) => directiveFor(words, provider, name, now)?.verb === verb);
}

/** What will have been said. */
function after(order: Order, { held }: Facts): readonly Directive[] {
  return [...held.filter((one) => !isSame(one, order)), { ...order, reason: "", by: "", since: 0 }];
}

/** Who may still be given work; of sinks nobody takes over another's. */
function leftFor(capability: string, words: readonly Directive[], facts: Facts): readonly string[] {
  return capabilityOf(facts.context, capability)?.sinks === true ? [] : givenWork(capability, words, facts);
}

function givenWork(
  capability: string,
  words: readonly Directive[],
  { routes, now }: Facts,
): readonly string[] {
  return (routes.get(capability) ?? []).filter((name) => {
    const verb = directiveFor(words, name, capability, now)?.verb;
    return verb !== "divert" && verb !== "isolate";
  });
}

function closedAmong(
  providers: readonly string[],
  capability: string,
  { circuits }: Facts,
): readonly string[] {
  const open = circuits.filter((one) => one.capability === capability && one.circuit.state.at !== "closed");
  return providers.filter((name) => !open.some(({ provider }) => provider === name));
}

/** What to know before, the worst first. */
export function warningsOf(order: Order, facts: Facts): readonly string[] {
  const words = after(order, facts);
  return [
    ...ruledBy(order, words, facts).flatMap((capability) => lastWords(order, capability, words, facts)),
    ...facts.capabilities.flatMap((capability) => strongerWords(order, capability, words, facts.now)),
    ...facts.held.filter((one) => isSame(one, order)).map(replacedWords),
  ];
}

const isSame = (one: Directive, { provider, capability }: Order): boolean =>
  one.provider === provider && one.capability === capability;

/** Of a capability that would be left with nobody to serve it, or with nobody whose circuit is closed. */
function lastWords(
  { verb, provider }: Order,
  capability: string,
  words: readonly Directive[],
  facts: Facts,
): readonly string[] {
  if (verb === "prefer") return [];
  if (capabilityOf(facts.context, capability)?.sinks === true)
    return [
      `Each provider of ${capability} gets a copy of its own: those for ${provider} wait until it is restored.`,
    ];
  const left = leftFor(capability, words, facts);
  if (left.length === 0)
    return [
      `Nobody is left to serve ${capability}: ${provider} is the last that gets work. Its jobs wait until one is restored.`,
    ];
  const closed = closedAmong(left, capability, facts);
  return closed.length > 0
    ? []
    : [
        `That leaves ${left.join(", ")} for ${capability}, and no circuit among them is closed: its jobs would wait.`,
      ];
}

/** What was said of a capability alone is the stronger word, and an isolation the strongest. */
function strongerWords(
  order: Order,
  capability: string,
  words: readonly Directive[],
  now: number,
): readonly string[] {
  const word = directiveFor(words, order.provider, capability, now);
  if (word === undefined || word.verb === order.verb) return [];
  const of = word.capability === undefined ? `all that ${word.provider} does` : "it alone";
  return [
    `For ${capability} it changes nothing: ${word.by} said ${word.verb} of ${of}, and that holds until it is restored.`,
  ];
}

function replacedWords({ verb, by, reason }: Directive): string {
  return `It takes the place of ${by}'s ${verb} (${reason}).`;
}
