import type { Capability } from "@understudy/core";

import type { Health, Link, Route } from "./route.ts";

/** What decides who is asked first for one job. */
export interface Wish {
  readonly now: number;
  /** In [0, 1). */
  readonly random: () => number;
  /** When the job should have been done, and when that was decided, epoch milliseconds. */
  readonly deadline?: { readonly at: number; readonly since: number };
  /** Whether a backup may be tried first: it has asked nobody, is tied to nobody, and could still go elsewhere. */
  readonly isFresh: boolean;
}

export interface Order<C extends Capability> {
  readonly links: readonly Link<C>[];
  /** A backup that goes first so that it is known to work. */
  readonly warmed?: string;
}

/** A deadline is near in the last fifth of the time to it, and in the last ten seconds. */
const NEAR_SHARE = 0.2;
const NEAR_MS = 10_000;

/**
 * The order in which `links` are asked: by preference or by weight; the one that a person prefers first; with little time left the
 * healthiest first; and now and then a backup first, to keep it warm.
 */
export function inOrder<C extends Capability>(
  route: Route<C>,
  links: readonly Link<C>[],
  wish: Wish,
): Order<C> {
  const preferred = links.find((link) => link.directive?.()?.verb === "prefer");
  if (preferred !== undefined) return { links: first(preferred, links) };
  if (isNear(wish)) return { links: links.toSorted((one, other) => worse(one) - worse(other)) };
  const usual = route.weights === undefined ? links : drawn(links, route.weights, wish.random);
  const warmed = route.weights === undefined && wish.isFresh ? backupToWarm(route, usual, wish) : undefined;
  return warmed === undefined ? { links: usual } : { links: first(warmed, usual), warmed: warmed.provider };
}

export function isNear({ deadline, now }: Pick<Wish, "deadline" | "now">): boolean {
  if (deadline === undefined) return false;
  return now >= deadline.at - Math.max(NEAR_MS, (deadline.at - deadline.since) * NEAR_SHARE);
}

function first<C extends Capability>(link: Link<C>, links: readonly Link<C>[]): readonly Link<C>[] {
  return [link, ...links.filter((other) => other !== link)];
}

const well: Health = { isClosed: true, failureRate: 0, meanMs: 0 };
const WORST_MS = 100_000;

/** Closed circuits first; then the fewest failures, in steps that chance does not bridge; then the quickest. */
function worse(link: Link): number {
  const { isClosed, failureRate, meanMs } = link.health?.() ?? well;
  return (isClosed ? 0 : 1000) + Math.round(failureRate * 10) + Math.min(meanMs, WORST_MS - 1) / WORST_MS;
}

/** Drawn one by one, each with the chance of its weight among those that are left. */
function drawn<C extends Capability>(
  links: readonly Link<C>[],
  weights: ReadonlyMap<string, number>,
  random: () => number,
): readonly Link<C>[] {
  const left = [...links];
  const order: Link<C>[] = [];
  const weightOf = ({ provider }: Link<C>): number => weights.get(provider) ?? 1;
  while (left.length > 0) {
    let ticket = random() * left.reduce((sum, link) => sum + weightOf(link), 0);
    const found = left.findIndex((link) => (ticket -= weightOf(link)) < 0);
    order.push(...left.splice(Math.max(found, 0), 1));
  }
  return order;
}

/** Only while all is well: a provider in trouble gets its backup's help, not its work. */
function backupToWarm<C extends Capability>(
  { keepWarm = 0 }: Route<C>,
  links: readonly Link<C>[],
  { random }: Wish,
): Link<C> | undefined {
  const [primary, ...backups] = links;
  if (keepWarm === 0 || backups.length === 0 || random() >= keepWarm) return undefined;
  if (primary?.health?.().isClosed === false) return undefined;
  const backup = backups[Math.floor(random() * backups.length)];
  return (backup?.capacity().room ?? 0) > 0 ? backup : undefined;
}
