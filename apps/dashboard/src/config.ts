import { randomBytes } from "node:crypto";

import * as z from "zod";

import { type Env, EnvReader, wholeNumber } from "./env.ts";
import { type OidcConfig, readOidc } from "./sign-in/oidc-config.ts";
import { parseUsers, type User } from "./sign-in/users.ts";

/** Everything this process was told, parsed once. */
export interface DashboardConfig {
  readonly redisUrl: string;
  readonly namespace: string;
  readonly host: string;
  readonly port: number;
  /** How browsers reach it; undefined: on loopback, at the port it listens on. */
  readonly publicUrl: URL | undefined;
  readonly users: readonly User[];
  readonly oidc: OidcConfig | undefined;
  /** Whether whoever reads the log line of the start may sign in with it, once. */
  readonly hasOneTimeLink: boolean;
  /** Signs the form of the sign-in page; replicas share it. */
  readonly sessionSecret: string;
  /** Addresses of proxies whose X-Forwarded-For is believed. */
  readonly trustedProxies: readonly string[];
  /** Shown on every page, so that nobody takes production for something else. */
  readonly environment: string | undefined;
  readonly logLevel: (typeof logLevels)[number];
}

const logLevels = ["trace", "debug", "info", "warn", "error", "fatal", "silent"] as const;
const loopbackHosts: ReadonlySet<string> = new Set(["127.0.0.1", "localhost", "::1", "[::1]"]);
const redisWords = "must look like redis://host:6379, redis://:password@host:6379/0 or rediss://host:6379";
const redisUrl = z.string().refine((text) => {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined || url.hostname === "") return false;
  return /^rediss?:$/u.test(url.protocol) && /^(?:\/\d*)?$/u.test(url.pathname);
}, redisWords);
const namespace = z.string().regex(/^[\w-]+$/u, "holds letters, digits, _ and - only");
const secret = z.string().min(32, "must have 32 characters or more").optional();
const label = z.string().max(24, "must have 24 characters or fewer").optional();

function isLoopback(host: string): boolean {
  return loopbackHosts.has(host);
}

/** @throws UnderstudyError config_invalid that lists every wrong variable at once */
export function readConfig(env: Env, readFile: (path: string) => string): DashboardConfig {
  const reader = new EnvReader(env);
  const host = reader.read("DASHBOARD_HOST", z.string().default("127.0.0.1")) ?? "";
  const publicUrl = readPublicUrl(reader, host);
  const config: DashboardConfig = {
    redisUrl: reader.read("REDIS_URL", redisUrl) ?? "",
    namespace: reader.read("NAMESPACE", namespace.default("understudy")) ?? "",
    host,
    port: reader.read("DASHBOARD_PORT", wholeNumber(0, 65_535).default(3000)) ?? 0,
    publicUrl,
    users: readUsers(reader, readFile),
    oidc: readOidc(reader),
    hasOneTimeLink: readOneTimeLink(reader, host, publicUrl),
    sessionSecret: reader.read("DASHBOARD_SESSION_SECRET", secret) ?? randomBytes(32).toString("base64url"),
    trustedProxies: (reader.raw("DASHBOARD_TRUSTED_PROXIES") ?? "")
      .split(",")
      .map((one) => one.trim())
      .filter((one) => one !== ""),
    environment: reader.read("DASHBOARD_ENVIRONMENT", label),
    logLevel: reader.read("LOG_LEVEL", z.enum(logLevels).default("info")) ?? "info",
  };
  if (reader.raw("DASHBOARD_USERS_FILE") === undefined && !isOidcWanted(reader) && !config.hasOneTimeLink)
    reader.problem(
      "Nobody could sign in. Set DASHBOARD_USERS_FILE, or DASHBOARD_OIDC_ISSUER and DASHBOARD_OIDC_CLIENT_ID, or on your own machine DASHBOARD_ONE_TIME_LINK=1.",
    );
  reader.finish();
  return config;
}

function isOidcWanted(reader: EnvReader): boolean {
  return reader.raw("DASHBOARD_OIDC_ISSUER") !== undefined;
}

function readPublicUrl(reader: EnvReader, host: string): URL | undefined {
  const text = reader.raw("DASHBOARD_PUBLIC_URL");
  if (text === undefined) {
    if (!isLoopback(host))
      reader.problem(
        "DASHBOARD_PUBLIC_URL is not set, and DASHBOARD_HOST is no loopback address: say how browsers reach it, as in https://jobs.example.com.",
      );
    return undefined;
  }
  const url = URL.canParse(text) ? new URL(text) : undefined;
  const isBare = url?.pathname === "/" && url.search === "" && url.hash === "" && url.username === "";
  if (url === undefined || !isBare || !/^https?:$/u.test(url.protocol))
    reader.problem("DASHBOARD_PUBLIC_URL is wrong: must look like https://jobs.example.com, without a path.");
  else if (url.protocol === "http:" && !isLoopback(url.hostname))
    reader.problem("DASHBOARD_PUBLIC_URL is wrong: must be https, or whoever listens takes over sessions.");
  return url;
}

function readOneTimeLink(reader: EnvReader, host: string, publicUrl: URL | undefined): boolean {
  const wanted = reader.read("DASHBOARD_ONE_TIME_LINK", z.enum(["0", "1"]).default("0")) === "1";
  if (wanted && !(isLoopback(host) && (publicUrl === undefined || isLoopback(publicUrl.hostname))))
    reader.problem(
      "DASHBOARD_ONE_TIME_LINK is for loopback only: DASHBOARD_HOST must be 127.0.0.1 or localhost.",
    );
  return wanted;
}

function readUsers(reader: EnvReader, readFile: (path: string) => string): readonly User[] {
  const path = reader.raw("DASHBOARD_USERS_FILE");
  if (path === undefined) return [];
  const parsed = parseUsers(() => readFile(path));
  if (typeof parsed !== "string") return parsed;
  reader.problem(`DASHBOARD_USERS_FILE is wrong: ${parsed}.`);
  return [];
}
