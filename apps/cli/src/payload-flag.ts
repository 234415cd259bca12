import { readFileSync } from "node:fs";
import { text } from "node:stream/consumers";

import type { Option } from "commander";

import { Complaint } from "./exit.ts";
import { flag } from "./flags.ts";

export function payloadFlag(): Option {
  return flag("--payload <json>", "JSON, or @file, or - for stdin");
}

/** @throws Complaint that never repeats what stood there */
export async function readPayload(given: string): Promise<unknown> {
  const json =
    given === "-" ? await text(process.stdin) : given.startsWith("@") ? readFile(given.slice(1)) : given;
  return parsePayload(json, given === "-" ? "stdin" : given.startsWith("@") ? given.slice(1) : "--payload");
}

export function parsePayload(json: string, where: string): unknown {
  try {
    return JSON.parse(json);
  } catch {
    // The parser's own words quote the payload.
    throw new Complaint(
      `What stands in ${where} is no JSON. Give it as '{"to":"ada@example.com"}', @file, or - for stdin.`,
    );
  }
}

function readFile(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    const code = error instanceof Error && "code" in error ? String(error.code) : "unknown error";
    throw new Complaint(`The file ${path} cannot be read (${code}).`);
  }
}
