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

  /** An empty variable counts as absent. */
  raw(name: string): string | undefined {
    const value = this.#env[name];
    return value === undefined || value.trim() === "" ? undefined : value;
  }

  read<Schema extends z.ZodType>(name: string, schema: Schema): z.output<Schema> | undefined {
    const parsed = schema.safeParse(this.raw(name));
    if (parsed.success) return parsed.data;
    const [issue] = parsed.error.issues;
    this.problem(
      `${name} ${this.raw(name) === undefined ? "is not set" : `is wrong: ${issue?.message ?? "invalid"}`}.`,
    );
    return undefined;
  }

  problem(sentence: string): void {
    this.#problems.push(sentence);
  }

  names(): readonly string[] {
    return Object.keys(this.#env).filter((name) => this.raw(name) !== undefined);
  }

  /** @throws UnderstudyError config_invalid that lists all problems */
  finish(): void {
    if (this.#problems.length === 0) return;
    throw new UnderstudyError(
      "config_invalid",
      `The environment needs mending (see .env.example):\n${this.#problems.map((problem) => `  - ${problem}`).join("\n")}`,
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

export const wholeNumber = (min: number, max: number): z.ZodType<number> =>
  z.coerce.number<string>(`must be a whole number from ${min} to ${max}`).int().min(min).max(max);
