import {
  type Binding,
  type Call,
  type Capability,
  effectOf,
  effectOfOutcome,
  endsAttempt,
  factsOf,
  INTERRUPTED,
  type Life,
  mayCall,
  NO_PROVIDER,
  type Outcome,
  type ReceiptOf,
  type RequestOf,
  type Trail,
  withBinding,
  WORKER_LOST,
} from "@understudy/core";

import { inOrder, type Order } from "./order.ts";
import type { Link, Route } from "./route.ts";

export interface DeliveryContext<C extends Capability = Capability> {
  readonly now: () => number;
  /** In [0, 1). */
  readonly random: () => number;
  /**
   * Writes down, fenced by the job's lock, which provider is about to be asked; false when the lock is lost. Called only
   * for capabilities that forbid duplicates, and always before anything leaves.
   */
  readonly bind: (binding: Binding) => Promise<boolean>;
  /**
   * Writes down, fenced as well, what was answered so far; when that could not be done, false, and nobody else is asked. Called only for
   * capabilities that tolerate duplicates, before a call that follows one of unknown fate, or a lost worker's: else a worker lost in the
   * second call would leave one lost start for two possible copies. What follows a plain failure costs nothing.
   */
  readonly note: (soFar: Trail) => Promise<boolean>;
  /** Told of what an adapter or a gate threw. Must not throw. */
  readonly onBug: (error: unknown) => void;
  /** Makes a call; the link's adapter does when absent. */
  readonly ask?: (link: Link<C>, request: RequestOf<C>, call: Call) => Promise<Outcome<ReceiptOf<C>>>;
  /** Only these providers may serve; all when absent. */
  readonly allowed?: readonly string[];
  /** When the job should have been done, and when that was decided, epoch milliseconds. */
  readonly deadline?: { readonly at: number; readonly since: number };
}

export interface Delivery<C extends Capability = Capability> {
  readonly trail: Trail<ReceiptOf<C>>;
  /** The binding that still holds after these calls. */
  readonly bound?: Binding;
  /** The backup that was asked first so that it is known to work. */
  readonly warmed?: string;
}

/** Asks the providers of the route in order until one delivers or nobody else may be asked. */
export async function deliver<C extends Capability>(
  route: Route<C>,
  request: RequestOf<C>,
  call: Call,
  life: Life,
  context: DeliveryContext<C>,
): Promise<Delivery<C>> {
  const trail: Outcome<ReceiptOf<C>>[] = [];
  let bound = life.bound;
  const { links, warmed } = orderOf(route, request, life, context);
  for (const link of links) {
    if (call.signal.aborted) {
      trail.push(unasked(link.provider, INTERRUPTED, context, 0));
      break;
    }
    if (!mayCall(link, withBinding(life, bound), trail, context.now())) continue;
    if (life.duplicates === "forbidden" && bound === undefined) {
      const account = link.account === undefined ? {} : { account: link.account };
      bound = { provider: link.provider, firstSentAt: context.now(), ...account };
      if (!(await context.bind(bound))) {
        return { trail: [...trail, unasked(link.provider, INTERRUPTED, context, 0)] };
      }
    }
    if (hasUnwritten(life, trail) && !(await context.note(trail))) {
      trail.push(unasked(link.provider, INTERRUPTED, context, 0));
      break;
    }
    const outcome = await ask(link, request, { ...call, isRetry: hasAsked(link, life, trail) }, context);
    trail.push(outcome);
    if (effectOf([...life.history, ...trail], link.provider) === "none") bound = undefined;
    if (endsAttempt(outcome)) break;
  }
  if (trail.length === 0) trail.push(nobody(route, request, life, context));
  return {
    trail,
    ...(bound === undefined ? {} : { bound }),
    ...(warmed === undefined ? {} : { warmed }),
  };
}

/** What throws is a bug, at a point unknown: something may have left. */
async function ask<C extends Capability>(
  link: Link<C>,
  request: RequestOf<C>,
  call: Call,
  context: DeliveryContext<C>,
): Promise<Outcome<ReceiptOf<C>>> {
  const at = context.now();
  try {
    return await (context.ask?.(link, request, call) ?? link.adapter(request, call));
  } catch (error) {
    context.onBug(error);
    const durationMs = context.now() - at;
    return { kind: "ambiguous", code: INTERNAL_ERROR, provider: link.provider, at, durationMs };
  }
}

/** Whether a call of unknown fate, of a lost worker too, is not written down yet. */
function hasUnwritten({ duplicates, history }: Life, trail: Trail): boolean {
  if (duplicates !== "tolerated") return false;
  if (trail.length > 0) return effectOf(trail) === "maybe";
  const last = history.at(-1);
  return last !== undefined && last.kind !== "delivered" && last.code === WORKER_LOST;
}

function orderOf<C extends Capability>(
  route: Route<C>,
  request: RequestOf<C>,
  life: Life,
  context: DeliveryContext<C>,
): Order<C> {
  const links = candidates(route, request, context).filter((link) => isOpenTo(link, life));
  return inOrder(route, links, {
    now: context.now(),
    random: context.random,
    isFresh: isExpendable(life) && context.deadline === undefined,
    ...(context.deadline === undefined ? {} : { deadline: context.deadline }),
  });
}

/** Whether an unknown answer of whoever is tried first would leave somebody else to ask. */
function isExpendable({ duplicates, maxPossibleCopies, history, bound }: Life): boolean {
  return history.length === 0 && bound === undefined && (duplicates === "harmless" || maxPossibleCopies > 1);
}

/** A diverted provider gets nothing new; what may have had its effect there is still settled there. */
function isOpenTo({ provider, directive }: Link, { history, bound }: Life): boolean {
  return (
    directive?.()?.verb !== "divert" ||
    bound?.provider === provider ||
    history.some((outcome) => outcome.provider === provider && effectOfOutcome(outcome) !== "none")
  );
}

function hasAsked({ provider }: Link, { history }: Life, trail: Trail): boolean {
  return [...history, ...trail].some(
    (outcome) =>
      outcome.provider === provider &&
      outcome.lookUp !== true &&
      (outcome.kind === "delivered" || factsOf(outcome).asked),
  );
}

/** Whether anybody may be asked again although an effect is open. A missing provider is waited for, not given up. */
export function canAskAgain(route: Route, life: Life, trail: Trail, now: number): boolean {
  const isMissing =
    life.bound !== undefined && route.links.every(({ provider }) => provider !== life.bound?.provider);
  return isMissing || route.links.some((link) => mayCall(link, life, trail, now));
}

function candidates<C extends Capability>(
  route: Route<C>,
  request: RequestOf<C>,
  { allowed }: DeliveryContext<C>,
): Link<C>[] {
  return route.links.filter(
    (link) => (allowed === undefined || allowed.includes(link.provider)) && link.accepts(request),
  );
}

/** The code of a call that threw, which is a bug. */
export const INTERNAL_ERROR = "internal_error";

const NOBODY_RETRY_MS = 30_000;

/**
 * Nobody was asked. A provider that is not on this route (the bound one, one the job insists on, or all that its request is
 * meant for) may come back to it, so it is waited for; a request that no provider can serve is wrong.
 */
function nobody<C extends Capability>(
  route: Route<C>,
  request: RequestOf<C>,
  life: Life,
  context: DeliveryContext<C>,
): Outcome<never> {
  const onRoute = route.links.map(({ provider }) => provider);
  const wanted = life.bound === undefined ? (context.allowed ?? []) : [life.bound.provider];
  const meantFor = route.capability.meantFor?.(request) ?? onRoute;
  const missing = [
    ...wanted.filter((provider) => !onRoute.includes(provider)),
    ...(meantFor.some((provider) => onRoute.includes(provider)) ? [] : meantFor),
  ];
  if (missing.length > 0) return unasked(missing.join(","), "provider_missing", context, NOBODY_RETRY_MS);
  const able = candidates(route, request, context);
  if (able.length > 0) {
    const code = able.some((link) => isOpenTo(link, life)) ? "held" : "diverted";
    return unasked(NO_PROVIDER, code, context, NOBODY_RETRY_MS);
  }
  return {
    kind: "rejected",
    code: "no_provider_accepts",
    detail: `none of ${onRoute.join(", ")} can serve this request`,
    provider: NO_PROVIDER,
    at: context.now(),
    durationMs: 0,
  };
}

function unasked(
  provider: string,
  code: string,
  { now }: Pick<DeliveryContext, "now">,
  retryAfterMs: number,
): Outcome<never> {
  return { kind: "withheld", code, retryAfterMs, provider, at: now(), durationMs: 0 };
}
