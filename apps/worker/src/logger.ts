import { type AnyJob, type AnyProvider, secretKeysOf } from "@understudy/core";
import { type DestinationStream, type Logger, pino } from "pino";
import { build } from "pino-pretty";

const secretNames = ["password", "secret", "token", "authorization", "redisUrl", "url"];

/**
 * Pretty in a terminal, JSON otherwise. The platform logs neither payloads nor configuration; the redaction stands guard
 * for whoever adds a line that does.
 */
export function createLogger(
  level: string,
  jobs: readonly Pick<AnyJob, "sensitive">[],
  providers: readonly Pick<AnyProvider, "config">[],
  out: DestinationStream = process.stdout.isTTY
    ? build({ colorize: true, sync: true, ignore: "pid,hostname" })
    : pino.destination({ dest: 1, sync: true }),
): Logger {
  const sensitive = jobs.flatMap((job) =>
    (job.sensitive ?? []).flatMap((path) =>
      ["payload", "request", "*.payload", "*.request"].map((root) => `${root}${bracketed(path)}`),
    ),
  );
  const names = [...secretNames, ...providers.flatMap(({ config }) => secretKeysOf(config))];
  const paths = [...new Set([...sensitive, ...names.flatMap((name) => [name, `*.${name}`])])];
  const options = {
    level,
    base: { pid: process.pid },
    redact: { paths, censor: "[redacted]" },
    serializers: { error: plainError },
  };
  return pino(options, out);
}

/** user.e-mail -> ["user"]["e-mail"]: names that are no identifiers are written so. */
function bracketed(path: string): string {
  return path
    .split(".")
    .map((name) => `["${name}"]`)
    .join("");
}

/** A Redis error carries its command, AUTH and password included; only these fields are safe. */
function plainError(error: unknown): unknown {
  if (!(error instanceof Error)) return String(error);
  const code = "code" in error ? { code: String(error.code) } : {};
  return { name: error.name, message: error.message, ...code, stack: error.stack };
}
