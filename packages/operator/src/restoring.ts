import { type Directive, holds, readFleet, takeBackDirective } from "@understudy/resilience";

import { acting } from "./acting.ts";
import { routedTo } from "./capabilities.ts";
import { type Context, knowledgeOf } from "./context.ts";
import type { Who } from "./face.ts";
import { checkText, isMoneyOrder, subjectOf } from "./orders.ts";
import type { RestoreOrder, Restored, WeighedRestore } from "./views.ts";

/** What `restore` would do; changes nothing. */
export async function weighRestore(context: Context, about: RestoreOrder): Promise<WeighedRestore> {
  const { held, meant, capabilities, isMoney } = await saidOf(context, about);
  const stays = stillHolding(about, held, meant);
  return {
    capabilities,
    isMoney,
    directives: meant,
    consequence:
      meant.length === 0 || stays.length > 0
        ? "Nothing changes."
        : `${subjectOf(about)} gets work as its routes have it again, within a second.`,
    warnings: [
      ...(meant.length === 0 ? ["Nothing is said of it now, so there is nothing to take back."] : []),
      ...stays.map(
        (one) => `What holds, ${one.verb}, was said of all that ${one.provider} does: restore all of it.`,
      ),
    ],
  };
}

/** Of a provider as a whole: takes back whatever was said of it, also of its capabilities. */
export async function restore(context: Context, about: RestoreOrder, who: Who): Promise<Restored> {
  const { held, meant, isMoney } = await saidOf(context, about);
  const taken: Directive[] = [];
  const deed = { action: "restore", subject: subjectOf(about), isMoney } as const;
  await acting(context, who, deed, async ({ by, reason }) => {
    for (const word of meant.filter(({ since }) => about.seen?.includes(since) ?? true))
      if (await takeBack(context, word, { by: by.name, reason })) taken.push(word);
    if (meant.length === 0) return "nothing";
    if (taken.length === meant.length) return "restored";
    return taken.length === 0 ? "changed" : "restored in part";
  });
  if (meant.length === 0) return { answer: "nothing", directives: [], sentence: nothingWords(about, held) };
  if (taken.length < meant.length) {
    const now = await saidOf(context, about);
    return { answer: "changed", directives: taken, sentence: changedWords(about, taken, now.meant) };
  }
  return { answer: "restored", directives: taken, sentence: restoredWords(about, taken, held) };
}

/** @returns false when another has taken its place */
async function takeBack(
  { ask, namespace }: Context,
  word: Directive,
  why: Pick<Directive, "by" | "reason">,
): Promise<boolean> {
  // Whether it was there says nothing when the question is asked again: a first answer may be lost.
  return (await ask((redis) => takeBackDirective(redis, namespace, word, why))) !== "other";
}

interface Said {
  /** Of whomever, and holds now. */
  readonly held: readonly Directive[];
  /** Of what is to be restored. */
  readonly meant: readonly Directive[];
  readonly capabilities: readonly string[];
  readonly isMoney: boolean;
}

async function saidOf(context: Context, about: RestoreOrder): Promise<Said> {
  const { provider, capability } = about;
  checkText("provider", provider);
  if (capability !== undefined) checkText("capability", capability);
  const [know, { directives, now }] = await Promise.all([
    knowledgeOf(context),
    context.ask((redis) => readFleet(redis, context.namespace)),
  ]);
  const held = directives.filter((one) => holds(one, now));
  const meant = held.filter(
    (one) => one.provider === provider && (capability === undefined || one.capability === capability),
  );
  const said = meant.flatMap(({ capability: of }) => of ?? []);
  const capabilities =
    capability === undefined ? [...new Set([...routedTo(know, provider), ...said])].toSorted() : [capability];
  return { held, meant, capabilities, isMoney: isMoneyOrder(context, about, capabilities) };
}

/** What was said of all that a provider does, where only one capability of it is restored. */
function stillHolding(
  { provider, capability }: RestoreOrder,
  held: readonly Directive[],
  taken: readonly Directive[],
): readonly Directive[] {
  return held.filter(
    (one) =>
      one.provider === provider &&
      capability !== undefined &&
      one.capability === undefined &&
      !taken.includes(one),
  );
}

function restoredWords(about: RestoreOrder, taken: readonly Directive[], held: readonly Directive[]): string {
  const verbs = taken.map(({ verb }) => verb).join(" and ");
  const stays = stillHolding(about, held, taken);
  return stays.length === 0
    ? `${subjectOf(about)} is as its route has it again: ${verbs} taken back.`
    : `${subjectOf(about)}: ${verbs} taken back. What holds now: ${wordsOf(stays)}.`;
}

function changedWords(about: RestoreOrder, taken: readonly Directive[], there: readonly Directive[]): string {
  const some = taken.length === 0 ? "" : ` Taken back: ${wordsOf(taken)}.`;
  if (there.length === 0)
    return `Another word took the place of what was said of ${subjectOf(about)}, and has ended by now.${some}`;
  const words = there.map((one) => `${wordsOf([one])} by ${one.by} (${one.reason})`).join(", ");
  return `Meanwhile something else was said of ${subjectOf(about)}, and it was left as it is: ${words}.${some} Restore once more to take it back.`;
}

function nothingWords(about: RestoreOrder, held: readonly Directive[]): string {
  const nothing = `Nothing was said of ${subjectOf(about)}, so there is nothing to take back.`;
  const ofProvider = held.filter(({ provider }) => provider === about.provider);
  if (ofProvider.length > 0) return `${nothing} What holds: ${wordsOf(ofProvider)}.`;
  const others = [...new Set(held.map(subjectOf))];
  return others.length === 0 ? nothing : `${nothing} Something was said of ${others.join(", ")}.`;
}

/** "divert sendgrid, isolate sendgrid email.send" */
function wordsOf(words: readonly Directive[]): string {
  return words.map((one) => `${one.verb} ${subjectOf(one)}`).join(", ");
}
