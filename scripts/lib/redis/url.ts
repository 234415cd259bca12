import { checkEviction } from "./eviction.ts";
import { type Link, unavailable } from "./link.ts";
import { ask } from "./probe.ts";
import { withoutSecrets } from "./without-secrets.ts";

/** The server that REDIS_URL names, and no other: one that merely listens on 6379 may hold somebody's data. */
export const fromUrl: Link = async ({ env }) => {
  const url = env["REDIS_URL"];
  if (url === undefined || url === "") return unavailable("REDIS_URL is not set");
  const where = withoutSecrets(url);
  try {
    await ask(url, (redis) => redis.ping(), 5_000);
  } catch (error) {
    // No cause: some errors carry the URL they were given, password and all.
    // oxlint-disable-next-line eslint/preserve-caught-error
    throw new Error(`REDIS_URL (${where}) cannot be used: ${reason(error)}`);
  }
  const notice = await checkEviction(url);
  const how = `REDIS_URL (${where})`;
  return {
    kind: "up",
    redis: { url, how, ...(notice === undefined ? {} : { notice }), stop: () => Promise.resolve() },
  };
};

function reason(error: unknown): string {
  const { code, message } = error as NodeJS.ErrnoException;
  if (/NOAUTH/u.test(message))
    return "it asks for a password. Put it into the URL: redis://:password@host:port";
  if (/WRONGPASS|invalid password/u.test(message)) return "it refuses the user or password of the URL";
  if (code === "ECONNREFUSED")
    return "nothing listens there (ECONNREFUSED). Start that server, or unset REDIS_URL";
  if (code === "ENOTFOUND") return "its host name is unknown (ENOTFOUND)";
  return code ?? message;
}
