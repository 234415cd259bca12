import type { CapabilityView, Directive, Operator, ProviderView } from "@understudy/operator";

import { plain } from "../plain.ts";
import { durationWords } from "../time.ts";
import { type Finding, findings } from "./finding.ts";

const MINUTE = 60_000;
const LONG_OPEN_MS = 15 * MINUTE;
const DAY = 86_400_000;

type View = CapabilityView & { readonly provider: string };

export async function checkProviders(operator: Operator): Promise<readonly Finding[]> {
  return judgeProviders(await operator.providers(), Date.now());
}

export function judgeProviders(views: readonly ProviderView[], now: number): readonly Finding[] {
  const all = views.flatMap(({ provider, capabilities }) =>
    capabilities.map((view) => ({ provider, ...view })),
  );
  const words = [...views, ...all].flatMap(({ directive }) => directive ?? []);
  const found = [...judgeDirectives(words, now), ...judgeCircuits(all, now), ...judgeBackups(all, now)];
  if (found.length > 0) return found;
  return [
    findings("providers").ok(all.length === 0 ? "no worker has told of one" : "all as their routes have it"),
  ];
}

/** What nobody ends is forgotten. */
function judgeDirectives(words: readonly Directive[], now: number): readonly Finding[] {
  const open = words.filter(({ verb, until }) => verb !== "prefer" && until === undefined);
  const each = new Map(open.map((one) => [`${one.provider} ${one.capability ?? ""}`, one]));
  return [...each.values()].map((one) =>
    findings("directives").warning(
      plain(
        `${nameOf(one)}: ${one.verb} by ${one.by} for ${durationWords(now - one.since)}, without an end (${one.reason}).`,
      ),
      `understudy providers restore ${flagsOf(one)} --reason "…"`,
    ),
  );
}

function judgeCircuits(all: readonly View[], now: number): readonly Finding[] {
  return all
    .filter(({ state, since }) => isOpen(state.at) && now - since > LONG_OPEN_MS)
    .map((view) =>
      findings("circuits").warning(
        plain(view.sentence ?? `${nameOf(view)}: circuit not closed for ${durationWords(now - view.since)}.`),
        `understudy providers divert ${flagsOf(view)} --for 2h --reason "…"`,
      ),
    );
}

const isOpen = (at: View["state"]["at"]): boolean => at === "open" || at === "half_open";

/** A backup that nobody has needed for long may not work when it is. */
function judgeBackups(all: readonly View[], now: number): readonly Finding[] {
  const isProven = ({ provenAt = 0 }: View): boolean => now - provenAt <= DAY;
  return all
    .filter((view) => !view.isSink && (view.place ?? 1) > 1 && !isProven(view))
    .filter(({ capability }) => all.some((other) => other.capability === capability && isProven(other)))
    .map((view) =>
      findings("backups").warning(
        plain(
          `${nameOf(view)}: ${view.provenAt === undefined ? "has never delivered" : `last delivered ${durationWords(now - view.provenAt)} ago`}, so nobody knows whether it would stand in.`,
        ),
        `understudy providers prefer ${flagsOf(view)} --for 5m --reason "to prove the backup"`,
      ),
    );
}

type Named = Pick<Directive, "provider" | "capability">;

const nameOf = ({ provider, capability }: Named): string =>
  capability === undefined ? provider : `${provider} ${capability}`;

const flagsOf = ({ provider, capability }: Named): string =>
  plain(capability === undefined ? provider : `${provider} --capability ${capability}`);
