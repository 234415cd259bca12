import { type Command, InvalidArgumentError, Option } from "commander";

import { parseDuration, parseMoment } from "./time.ts";

/** A flag and its twin in the environment: --dry-run is UNDERSTUDY_DRY_RUN. The flag is the stronger. */
export function flag(flags: string, description: string): Option {
  const option = new Option(flags, description);
  return option.env(twinOf(option));
}

function twinOf({ long }: Option): string {
  return `UNDERSTUDY_${(long ?? "").slice(2).replaceAll("-", "_").toUpperCase()}`;
}

export function list(value: string, before: readonly string[] = []): readonly string[] {
  const items = value.split(",").map((item) => item.trim());
  if (items.some((item) => item === ""))
    throw new InvalidArgumentError("It must be a list such as a,b, without an empty item.");
  return [...before, ...items];
}

/** Commander gives what an earlier one of the same flag made as the second argument. */
export function listOf<const Item extends string>(
  allowed: readonly Item[],
): (value: string, before?: readonly Item[]) => readonly Item[] {
  return (value, before = []) => {
    const items = list(value);
    const stranger = items.find((item) => !(allowed as readonly string[]).includes(item));
    if (stranger !== undefined) throw new InvalidArgumentError(`It must be of ${allowed.join(", ")}.`);
    return [...before, ...(items as Item[])];
  };
}

export function duration(value: string): number {
  const ms = parseDuration(value);
  if (ms === undefined) throw new InvalidArgumentError("It must be a time such as 90s, 5m, 2h or 7d.");
  return ms;
}

export function moment(value: string): number {
  const at = parseMoment(value, Date.now());
  if (at === undefined)
    throw new InvalidArgumentError(
      "It must be how long ago, such as 2h or 7d, or a date, such as 2026-11-24 or 2026-11-24T08:30Z.",
    );
  return at;
}

export function wholeNumber(min: number, max: number): (value: string) => number {
  return (value) => {
    const number = /^\d+$/u.test(value) ? Number(value) : Number.NaN;
    if (number >= min && number <= max) return number;
    throw new InvalidArgumentError(`It must be a whole number from ${min} to ${max}.`);
  };
}

export function rate(value: string): number {
  const number = /^\d+(?:\.\d+)?$/u.test(value) ? Number(value) : Number.NaN;
  if (number > 0 && number <= 10_000) return number;
  throw new InvalidArgumentError("It must be how many a second, above 0 and at most 10000.");
}

/**
 * Commander takes a switch whose variable is there for on, whatever it says, and an empty variable for a value. Here an empty
 * one counts as absent, as it does for the workers, and UNDERSTUDY_JSON=0 is off.
 * @returns a sentence for each variable that is neither on nor off
 */
export function tidyTwins(root: Command, env: NodeJS.ProcessEnv): readonly string[] {
  return optionsOf(root).flatMap(({ envVar, required, optional }) => {
    const value = envVar === undefined ? undefined : env[envVar]?.trim().toLowerCase();
    if (envVar === undefined || value === undefined) return [];
    const isSwitch = !required && !optional;
    if (value === "" || (isSwitch && ["0", "false", "no", "off"].includes(value))) delete env[envVar];
    const isOn = ["", "0", "false", "no", "off", "1", "true", "yes", "on"].includes(value);
    return isSwitch && !isOn ? [`${envVar} is wrong: it is 1 or 0.`] : [];
  });
}

function optionsOf(command: Command): readonly Option[] {
  return [...command.options, ...command.commands.flatMap(optionsOf)];
}
