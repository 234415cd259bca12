import type { IncomingHttpHeaders } from "node:http";

/** Where browsers are to find us: nothing else may be asked for, or ask. */
export interface Place {
  /** https://jobs.example.com; several on loopback, which has several names. */
  readonly origins: readonly string[];
  readonly isSecure: boolean;
}

export function placeOf(publicUrl: URL | undefined, port: number): Place {
  if (publicUrl !== undefined)
    return { origins: [publicUrl.origin], isSecure: publicUrl.protocol === "https:" };
  const origins = ["127.0.0.1", "localhost", "[::1]"].map((host) => `http://${host}:${port}`);
  return { origins, isSecure: false };
}

/** Refuses names that somebody else has pointed at us (DNS rebinding). */
export function isKnownHost({ origins }: Place, host: string | undefined): boolean {
  return origins.some((origin) => new URL(origin).host === withoutUsualPort(origin, host));
}

function withoutUsualPort(origin: string, host = ""): string {
  return host.toLowerCase().replace(origin.startsWith("https:") ? /:443$/u : /:80$/u, "");
}

/**
 * Whether a page of ours sent it. A browser says so in Origin, and where that is absent in Sec-Fetch-Site; who says neither is
 * refused.
 */
export function isSameOrigin({ origins }: Place, headers: IncomingHttpHeaders): boolean {
  const { origin, host } = headers;
  if (origin !== undefined)
    return origins.includes(origin) && new URL(origin).host === withoutUsualPort(origin, host);
  return headers["sec-fetch-site"] === "same-origin";
}

/** A path of ours to go to, whatever somebody wrote into a link. */
export function localPath(text: unknown): string {
  if (typeof text !== "string" || !text.startsWith("/")) return "/";
  const base = "http://here.invalid";
  const url = URL.canParse(text, base) ? new URL(text, base) : undefined;
  if (url === undefined || url.origin !== base || url.pathname.startsWith("//")) return "/";
  return url.pathname.startsWith("/sign-") ? "/" : `${url.pathname}${url.search}`;
}
