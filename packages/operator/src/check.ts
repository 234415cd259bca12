import { CARD_NUMBER_REFUSED, causes, holdsCardNumber, UnderstudyError } from "@understudy/core";
import type { LetterFilter } from "@understudy/dead-letters";
import type { Place } from "@understudy/queue";

import type { Who } from "./face.ts";
import { type Action, isAction, may, roleFor, roles } from "./roles.ts";
import type { Selection } from "./views.ts";

const MAX_WORDS = 500;
const MAX_TEXT = 200;
const MAX_IDS = 10_000;
const MAX_PER_SECOND = 10_000;
const filterKeys = ["queue", "job", "cause", "effect", "provider", "code", "group", "from", "to", "text"];

export function invalid(message: string): UnderstudyError {
  return new UnderstudyError("option_invalid", message);
}

/** @throws UnderstudyError not_permitted */
export function checkMay({ by }: Pick<Who, "by">, action: Action, isMoney: boolean): void {
  if (!roles.includes(by.role))
    throw invalid(`There is no role ${by.role as string}: the roles are ${roles.join(", ")}.`);
  if (may(by.role, action, isMoney)) return;
  const of = isMoney ? " of what must not happen twice" : "";
  throw new UnderstudyError(
    "not_permitted",
    `${by.name} is ${by.role}, and ${action}${of} needs the role ${roleFor(action, isMoney)}.`,
  );
}

/** Trimmed. @throws UnderstudyError option_invalid */
export function checkWho({ by, reason }: Who): Who {
  return {
    by: { ...by, name: words("a name of who acts", by.name) },
    reason: words("a reason", reason),
  };
}

/** @throws UnderstudyError option_invalid */
export function checkNote(action: string, ...texts: readonly string[]): void {
  if (isAction(action) || !/^[a-z][\w:/ -]{0,99}$/iu.test(action))
    throw invalid(
      `A note cannot be of the action ${action.slice(0, 100)}: the operator writes its own down.`,
    );
  if (texts.some((text) => text.length > MAX_WORDS))
    throw invalid(`A note takes up to ${MAX_WORDS} characters of each.`);
  if (texts.some(holdsCardNumber)) throw invalid(`A note ${CARD_NUMBER_REFUSED}, or leave it out.`);
}

function words(what: string, given: unknown): string {
  if (typeof given !== "string" || given.trim() === "" || given.length > MAX_WORDS)
    throw invalid(`This needs ${what}, in 1 to ${MAX_WORDS} characters: it stands in the audit log.`);
  if (holdsCardNumber(given))
    throw invalid(`What was given as ${what} ${CARD_NUMBER_REFUSED}, or leave it out.`);
  return given.trim();
}

/** @param queues those that there are @throws UnderstudyError option_invalid */
export function checkFilter(filter: LetterFilter, queues: readonly string[]): void {
  const strange = Object.keys(filter).filter((key) => !filterKeys.includes(key));
  if (strange.length > 0)
    throw invalid(`A filter has no ${strange.join(", ")}; it has ${filterKeys.join(", ")}.`);
  known("queue", filter.queue, queues);
  known("cause", filter.cause, causes);
  known("effect", filter.effect, ["none", "maybe"]);
  for (const end of ["from", "to"] as const) {
    const time = filter[end];
    if (time !== undefined && !(Number.isFinite(time) && time >= 0))
      throw invalid(`The filter's ${end} must be a time in milliseconds since 1970.`);
  }
  if ((filter.from ?? 0) > (filter.to ?? Infinity)) throw invalid("The filter's from is later than its to.");
  const { text } = filter;
  if (text !== undefined && (text.trim() === "" || text.length > MAX_TEXT))
    throw invalid(`The filter's text must be 1 to ${MAX_TEXT} characters.`);
  if (text !== undefined && holdsCardNumber(text))
    throw invalid(`The filter's text ${CARD_NUMBER_REFUSED}, or the job's id.`);
}

function known(what: string, wanted: readonly string[] | undefined, there: readonly string[]): void {
  const strange = wanted?.filter((one) => !there.includes(one)) ?? [];
  if (strange.length === 0) return;
  const choice = there.length === 0 ? "there is none yet" : `there are ${there.join(", ")}`;
  throw invalid(
    `There is no ${what} ${strange.map((one) => `"${one.slice(0, 60)}"`).join(", ")}: ${choice}.`,
  );
}

/** @throws UnderstudyError option_invalid */
export function checkSelection(selection: Selection, queues: readonly string[]): void {
  if ("filter" in selection) checkFilter(selection.filter, queues);
  else if (selection.ids.length === 0 || selection.ids.length > MAX_IDS)
    throw invalid(`Name 1 to ${MAX_IDS} letters, or give a filter.`);
}

/** @throws UnderstudyError option_invalid */
export function checkRate(perSecond: number): number {
  if (perSecond > 0 && perSecond <= MAX_PER_SECOND) return perSecond;
  throw invalid(`The rate must be above 0 and at most ${MAX_PER_SECOND} a second.`);
}

/** @throws UnderstudyError option_invalid */
export function checkLimit(limit: number, max = 500): number {
  if (Number.isInteger(limit) && limit >= 1 && limit <= max) return limit;
  throw invalid(`A page holds 1 to ${max}.`);
}

export function writePlace({ diedAt, id }: Place): string {
  return `${diedAt}~${id}`;
}

/** @throws UnderstudyError option_invalid */
export function readPlace(text: string | undefined): Place | undefined {
  if (text === undefined) return undefined;
  const [, diedAt, id] = /^(\d{1,16})~(.{1,200})$/su.exec(text) ?? [];
  if (diedAt === undefined || id === undefined)
    throw invalid("There is no such page: go back to the first one.");
  return { diedAt: Number(diedAt), id };
}
