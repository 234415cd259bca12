import {
  type Adapter,
  CANNOT_TELL,
  type Capability,
  type Implementation,
  isAccountOf,
  type Life,
  type LookUp,
  type LookUpCall,
  lookUpAt,
  type Outcome,
  sentAfter,
  type Trail,
  trustedAt,
} from "@understudy/core";

import type { Link, Question, Route } from "./route.ts";
import { withTimeout } from "./timeout.ts";

interface Parts<Config, C extends Capability> {
  readonly provider: string;
  readonly lookUp: NonNullable<Implementation<Config, C>["lookUp"]>;
  readonly config: Config;
  readonly timeoutMs: number;
  readonly trustNotFoundAfterMs?: number;
  readonly now: () => number;
}

/** A provider's look-up with a deadline. No gate stands before it: it is asked seldom, and has no effect. */
export function createQuestion<Config, C extends Capability>({
  provider,
  lookUp,
  config,
  timeoutMs,
  trustNotFoundAfterMs = lookUp.trustNotFoundAfterMs,
  now,
}: Parts<Config, C>): Question<C> {
  const vendor: LookUp<C> = lookUp.create(config);
  return {
    trustNotFoundAfterMs,
    async ask(request, call) {
      const at = now();
      let isAbsent = false;
      const asOutcome: Adapter<C> = async (asked, { signal }) => {
        const answer = await vendor(asked, { ...call, signal });
        if (answer !== "not_found" && answer !== "cannot_tell") return answer;
        isAbsent = answer === "not_found";
        return { kind: "ambiguous", code: CANNOT_TELL, provider, at, durationMs: now() - at };
      };
      const outcome = await withTimeout(provider, timeoutMs, now, asOutcome)(request, call);
      return isAbsent ? "not_found" : outcome;
    },
  };
}

/** The one provider that may know what became of a job of unknown effect, and from when it should be asked. */
export function questionFor(
  route: Route,
  life: Life,
  trail: Trail,
): { readonly link: Link; readonly at: number | undefined } | undefined {
  const link = route.links.find((one) => trustedAt(one, life, trail) !== undefined);
  return link && { link, at: lookUpAt(link, life, trail) };
}

/** Asks what became of the job's earlier calls. The outcome says so, and is none of a call that has an effect. */
export async function lookUp(
  link: Link,
  request: unknown,
  call: Omit<LookUpCall, "sentAfter" | "endedAt">,
  life: Life,
  now: () => number,
): Promise<Outcome> {
  const { provider } = link;
  const at = now();
  const trusted = trustedAt(link, life, []);
  if (link.lookUp === undefined || trusted === undefined)
    throw new TypeError(`${provider} cannot be asked what became of ${call.jobId}`);
  const answer = await link.lookUp.ask(request, {
    ...call,
    sentAfter: sentAfter(provider, life, []),
    endedAt: trusted - link.lookUp.trustNotFoundAfterMs,
  });
  if (answer !== "not_found") return { ...answer, lookUp: true };
  const absent = { provider, at, durationMs: now() - at, lookUp: true } as const;
  if (!isAccountOf(life, link))
    return {
      kind: "ambiguous",
      code: CANNOT_TELL,
      detail: "the credentials or settings of the provider are not those that the job was sent with",
      ...absent,
    };
  // Asked too early, a "not found" says nothing: the vendor's index lags.
  return at >= trusted
    ? { kind: "unavailable", code: "not_found", ...absent, provesNone: true }
    : { kind: "ambiguous", code: "not_found_yet", retryAfterMs: trusted - at, ...absent };
}
