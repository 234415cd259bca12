import { type DestinationStream, type Logger, pino } from "pino";
import { build } from "pino-pretty";

/** Pretty in a terminal, JSON otherwise. Neither payloads nor addresses of pages are logged: both may hold what is nobody's business. */
export function createLogger(
  level: string,
  out: DestinationStream = process.stdout.isTTY
    ? build({ colorize: true, sync: true, ignore: "pid,hostname" })
    : pino.destination({ dest: 1, sync: true }),
): Logger {
  const paths = ["password", "secret", "token", "cookie", "authorization", "redisUrl"];
  return pino(
    {
      level,
      base: { pid: process.pid },
      redact: { paths: paths.flatMap((name) => [name, `*.${name}`]), censor: "[redacted]" },
      serializers: { error: plainError },
    },
    out,
  );
}

/** A Redis error carries its command, AUTH and password included; only these fields are safe. */
function plainError(error: unknown): unknown {
  if (!(error instanceof Error)) return String(error);
  const code = "code" in error ? { code: String(error.code) } : {};
  return { name: error.name, message: error.message, ...code, stack: error.stack };
}
