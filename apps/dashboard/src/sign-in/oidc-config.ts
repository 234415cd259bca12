import { type Role, roles } from "@understudy/operator";
import * as z from "zod";

import type { EnvReader } from "../env.ts";

export interface OidcConfig {
  readonly issuer: URL;
  readonly clientId: string;
  /** Undefined for a public client: PKCE alone. */
  readonly clientSecret: string | undefined;
  readonly scope: string;
  readonly rolesClaim: string;
  /** What may stand in that claim -> what it means here. */
  readonly roles: ReadonlyMap<string, Role>;
}

const claim = z.string().regex(/^[\w:/.-]{1,100}$/u, "must be the name of a claim, such as groups");

/** Undefined when it is not wanted. */
export function readOidc(reader: EnvReader): OidcConfig | undefined {
  const rest = ["DASHBOARD_OIDC_CLIENT_ID", "DASHBOARD_OIDC_CLIENT_SECRET", "DASHBOARD_OIDC_ROLES"];
  if (reader.raw("DASHBOARD_OIDC_ISSUER") === undefined) {
    for (const name of rest)
      if (reader.raw(name) !== undefined) reader.problem(`${name} is set, but DASHBOARD_OIDC_ISSUER is not.`);
    return undefined;
  }
  return {
    issuer: readIssuer(reader),
    clientId: reader.read("DASHBOARD_OIDC_CLIENT_ID", z.string()) ?? "",
    clientSecret: reader.raw("DASHBOARD_OIDC_CLIENT_SECRET"),
    scope: reader.raw("DASHBOARD_OIDC_SCOPE") ?? "openid profile email",
    rolesClaim: reader.read("DASHBOARD_OIDC_ROLES_CLAIM", claim.default("roles")) ?? "",
    roles: readRoles(reader),
  };
}

const nowhere = new URL("https://invalid.invalid");

function readIssuer(reader: EnvReader): URL {
  const text = reader.raw("DASHBOARD_OIDC_ISSUER") ?? "";
  const url = URL.canParse(text) ? new URL(text) : undefined;
  const isLocal = url !== undefined && ["127.0.0.1", "localhost", "[::1]"].includes(url.hostname);
  if (url?.protocol === "https:" || (url?.protocol === "http:" && isLocal)) return url;
  reader.problem(
    "DASHBOARD_OIDC_ISSUER is wrong: must be an https address, as in https://login.example.com.",
  );
  return nowhere;
}

/** DASHBOARD_OIDC_ROLES=ops-oncall=operator,finance=money-operator; unset, the claim holds our own names. */
function readRoles(reader: EnvReader): ReadonlyMap<string, Role> {
  const text = reader.raw("DASHBOARD_OIDC_ROLES") ?? roles.map((role) => `${role}=${role}`).join(",");
  const pairs = text.split(",").map((pair) => pair.trim().split(/=(?=[^=]*$)/u));
  const known = pairs.flatMap(([value, role]) => {
    const match = roles.find((one) => one === role);
    return value === undefined || match === undefined ? [] : [[value, match] as const];
  });
  if (known.length !== pairs.length)
    reader.problem(
      `DASHBOARD_OIDC_ROLES is wrong: must look like oncall=operator,finance=money-operator; the roles are ${roles.join(", ")}.`,
    );
  return new Map(known);
}

/** The strongest of the roles that a claim's values stand for. */
export function roleOf(claimed: unknown, known: ReadonlyMap<string, Role>): Role | undefined {
  const values = Array.isArray(claimed) ? claimed : [claimed];
  const held = new Set(values.map((value) => known.get(String(value))));
  return roles.findLast((role) => held.has(role));
}
