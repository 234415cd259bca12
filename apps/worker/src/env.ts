import { UnderstudyError } from "@understudy/core";
import * as z from "zod";

import { misspellings } from "./misspellings.ts";

export type Env = Readonly<Record<string, string | undefined>>;

/** Collects every wrong variable, so that an operator mends them in one go. Never prints a value. */
export class EnvReader {
  readonly #env: Env;
  readonly #problems: string[] = [];
  readonly #asked = new Set<string>();
  readonly #names: ReadonlySet<string>;

  constructor(env: Env) {
    this.#env = env;
    this.#names = new Set(Object.keys(env));
  }

  /** Without the blanks and line ends that files and secret stores add; an empty variable counts as absent. */
  raw(name: string): string | undefined {
    this.#asked.add(name);
    const value = this.#env[name]?.trim();
    return value === "" ? undefined : value;
  }

  read<Schema extends z.ZodType>(name: string, schema: Schema): z.output<Schema> | undefined {
    const value = this.raw(name);
    const parsed = schema.safeParse(value);
    if (parsed.success) return parsed.data;
    const [issue] = parsed.error.issues;
    this.problem(
      `${name} ${value === undefined ? "is not set" : `is wrong: ${issue?.message ?? "invalid"}`}.`,
    );
    return undefined;
  }

  /** A variable that stands in for a more general one, as far as it is set. */
  override<Schema extends z.ZodType>(name: string, schema: Schema): z.output<Schema> | undefined {
    if (this.#names.has(name)) return this.read(name, schema);
    this.#asked.add(name);
    return undefined;
  }

  problem(sentence: string): void {
    this.#problems.push(sentence);
  }

  hasProblems(): boolean {
    return this.#problems.length > 0;
  }

  names(): readonly string[] {
    return Object.keys(this.#env).filter((name) => (this.#env[name] ?? "").trim() !== "");
  }

  /** One sentence for each variable that is set, means nothing here, and is almost one that is not set. */
  suspicions(): readonly string[] {
    const names = this.names();
    const isTold = (name: string): boolean => this.#problems.some((problem) => problem.includes(name));
    return misspellings(
      names.filter((name) => !this.#asked.has(name) && !isTold(name)),
      [...this.#asked].filter((name) => !names.includes(name)),
    ).map(([is, meant]) => `${is} is set but means nothing here; did you mean ${meant}?`);
  }

  /** @throws UnderstudyError config_invalid that lists all problems */
  finish(): void {
    if (this.#problems.length === 0) return;
    throw new UnderstudyError(
      "config_invalid",
      `The environment needs mending (see .env.example):\n${[...this.#problems, ...this.suspicions()].map((line) => `  - ${line}`).join("\n")}`,
    );
  }
}

/** apiKey -> API_KEY */
export function snakeCase(camelCase: string): string {
  return camelCase
    .replaceAll(/[A-Z]/gu, (letter) => `_${letter}`)
    .replaceAll(/[-.]/gu, "_")
    .toUpperCase();
}

export function wholeNumber(min: number, max: number): z.ZodType<number> {
  const words = `must be a whole number from ${min} to ${max}`;
  return z.coerce.number<string>(words).int(words).min(min, words).max(max, words);
}

const shareWords = "must be a number above 0, at most 1";

export const share: z.ZodType<number> = z.coerce
  .number<string>(shareWords)
  .gt(0, shareWords)
  .max(1, shareWords);
