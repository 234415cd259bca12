import { type Role, roles } from "@understudy/operator";
import * as z from "zod";

import { isHash } from "./password.ts";

export interface User {
  readonly name: string;
  readonly role: Role;
  /** A line that hash-password.ts made. */
  readonly password: string;
}

const name = z
  .string()
  .regex(/^[\p{L}\p{N}][\p{L}\p{N}._@+-]{0,63}$/u, "must be 1 to 64 letters, digits, or . _ @ + -");
const users = z.array(
  z.strictObject({
    name,
    role: z.enum(roles, `must be one of ${roles.join(", ")}`),
    password: z.string().refine(isHash, "must be a line that hash-password.ts made, never a password"),
  }),
);

/** What is wrong, without any value of the file, when it is. */
export function parseUsers(read: () => string): readonly User[] | string {
  let value: unknown;
  try {
    value = JSON.parse(read());
  } catch (error) {
    return error instanceof SyntaxError ? "it is not JSON" : `it cannot be read (${codeOf(error)})`;
  }
  const parsed = users.safeParse(value);
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    return `entry ${issue?.path.join(".") || "(all)"}: ${issue?.message ?? "invalid"}`;
  }
  if (parsed.data.length === 0) return "it names nobody";
  const names = new Set(parsed.data.map((user) => user.name));
  return names.size === parsed.data.length ? parsed.data : "it names somebody twice";
}

function codeOf(error: unknown): string {
  return error instanceof Error && "code" in error ? String(error.code) : "unknown error";
}
