// Usage: node apps/dashboard/src/hash-password.ts. Reads a password from standard input and prints the line for the users file.
// Not from the command line: that stands in the process list and in the shell's history.
import { text } from "node:stream/consumers";

import { hashPassword } from "./sign-in/password.ts";

const MIN_LENGTH = 12;

if (process.stdin.isTTY)
  console.error("Type the password, then Enter and Ctrl-D (it is shown while you type):");
const password = (await text(process.stdin)).replace(/\r?\n$/u, "");
if (password.length < MIN_LENGTH) {
  console.error(`The password must have ${MIN_LENGTH} characters or more.`);
  process.exit(2);
}
console.log(await hashPassword(password));
