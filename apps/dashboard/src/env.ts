import { UnderstudyError } from "@understudy/core";
import * as z from "zod";

export type Env = Readonly<Record<string, string | undefined>>;

/** Collects every wrong variable, so that an operator mends them in one go. Never prints a value. */
export class EnvReader {
  readonly #env: Env;
  readonly #problems: string[] = [];

  constructor(env: Env) {
    this.#env = env;
  }

  /** Without the blanks and line ends that files and secret stores add; an empty variable counts as absent. */
  raw(name: string): string | undefined {
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

  problem(sentence: string): void {
    this.#problems.push(sentence);
  }

  /** @throws UnderstudyError config_invalid that lists all problems */
  finish(): void {
    if (this.#problems.length === 0) return;
    const lines = this.#problems.map((line) => `  - ${line}`).join("\n");
    throw new UnderstudyError(
      "config_invalid",
      `The dashboard's environment needs mending (see apps/dashboard/README.md):\n${lines}`,
    );
  }
}

export function wholeNumber(min: number, max: number): z.ZodType<number> {
  const words = `must be a whole number from ${min} to ${max}`;
  return z.coerce.number<string>(words).int(words).min(min, words).max(max, words);
}
