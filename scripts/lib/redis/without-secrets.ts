/** `redis://host:6379/2` without user and password. Throws, without repeating it, when it is no Redis URL. */
export function withoutSecrets(url: string): string {
  const parsed = URL.canParse(url) ? new URL(url) : undefined;
  if (parsed === undefined || !["redis:", "rediss:"].includes(parsed.protocol) || parsed.hostname === "")
    throw new Error(
      "REDIS_URL is not of the form redis://[user:password@]host[:port][/db] (rediss:// for TLS).",
    );
  return `${parsed.protocol}//${parsed.hostname}:${parsed.port || "6379"}${parsed.pathname === "/" ? "" : parsed.pathname}`;
}
