import { execFileSync } from "node:child_process";
import { join } from "node:path";

import { expect, test } from "vitest";

import { hashPassword, isHash, verifyPassword } from "./password.ts";
import { parseUsers } from "./users.ts";

test("a hash is as hard as OWASP asks, salted, and fits its password alone", async () => {
  const [one, other] = [await hashPassword("correct horse"), await hashPassword("correct horse")];
  expect(one).toMatch(/^scrypt\$ln=17,r=8,p=1\$/u);
  expect(one).not.toBe(other);
  expect(await verifyPassword(one, "correct horse")).toBe(true);
  expect(await verifyPassword(one, "correct horsf")).toBe(false);
  expect(await verifyPassword(undefined, "correct horse")).toBe(false);
});

test.each([
  "",
  "secret",
  "scrypt$ln=4,r=8,p=1$AAAAAAAAAAAAAAAAAAAAAA==$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=",
  "scrypt$ln=30,r=8,p=1$AAAAAAAAAAAAAAAAAAAAAA==$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=",
])("%j is no hash", (line) => {
  expect(isHash(line)).toBe(false);
});

test("the command reads the password from standard input, and its line goes into the users file", async () => {
  const program = join(import.meta.dirname, "../hash-password.ts");
  const run = (input: string): string =>
    execFileSync(process.execPath, ["--conditions=@understudy/source", program], {
      input,
      stdio: ["pipe", "pipe", "pipe"],
    }).toString();
  const line = run("a long enough password\n").trim();
  expect(await verifyPassword(line, "a long enough password")).toBe(true);
  expect(parseUsers(() => JSON.stringify([{ name: "ada", role: "admin", password: line }]))).toHaveLength(1);
  expect(() => run("short\n")).toThrow(/12 characters/u);
});

test.each([
  ["{", "it is not JSON"],
  ["[]", "it names nobody"],
  ['[{"name":"ada","role":"root","password":"x"}]', "role: must be one of viewer"],
  ['[{"name":"ada","role":"admin","password":"hunter2"}]', "never a password"],
  ['[{"name":"<b>","role":"admin","password":"x"}]', "name: must be 1 to 64"],
])("the users file %s is told what is wrong, without its values", (text, words) => {
  const problem = parseUsers(() => text);
  expect(problem).toContain(words);
  expect(problem).not.toContain("hunter2");
});
