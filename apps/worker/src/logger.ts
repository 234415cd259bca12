import type { AnyJob } from "@understudy/core";
import { type Logger, pino } from "pino";
import { build } from "pino-pretty";

const secretNames = ["apiKey", "password", "secret", "token", "authorization", "redisUrl", "url"];

/**
 * Pretty in a terminal, JSON otherwise. The platform logs neither payloads nor configuration; the redaction stands guard
 * for whoever adds a line that does.
 */
export function createLogger(level: string, jobs: readonly AnyJob[]): Logger {
  const sensitive = jobs.flatMap((job) =>
    (job.sensitive ?? []).flatMap((path) => [`payload.${path}`, `request.${path}`]),
  );
  const paths = [...new Set([...sensitive, ...secretNames.flatMap((name) => [name, `*.${name}`])])];
  const options = {
    level,
    base: { pid: process.pid },
    redact: { paths, censor: "[redacted]" },
    serializers: { error: plainError },
  };
  return process.stdout.isTTY
    ? pino(options, build({ colorize: true, sync: true, ignore: "pid,hostname" }))
    : pino(options);
}

/** A Redis error carries its command, AUTH and password included; only these fields are safe. */
function plainError(error: unknown): unknown {
  if (!(error instanceof Error)) return String(error);
  const code = "code" in error ? { code: String(error.code) } : {};
  return { name: error.name, message: error.message, ...code, stack: error.stack };
}
