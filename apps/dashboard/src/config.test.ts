import { expect, test } from "vitest";

import { type DashboardConfig, readConfig } from "./config.ts";
import type { Env } from "./env.ts";

const hash = `scrypt$ln=14,r=8,p=1$${"A".repeat(22)}==$${"A".repeat(43)}=`;
const files: Readonly<Record<string, string>> = {
  "users.json": JSON.stringify([{ name: "ada", role: "admin", password: hash }]),
  "bad.json": JSON.stringify([{ name: "ada", role: "admin", password: "hunter2" }]),
};
const needed = { REDIS_URL: "redis://127.0.0.1:6379", DASHBOARD_USERS_FILE: "users.json" };

function read(env: Env): DashboardConfig {
  return readConfig({ ...needed, ...env }, (path) => {
    const text = files[path];
    if (text === undefined) throw Object.assign(new Error("no such file"), { code: "ENOENT" });
    return text;
  });
}

/** The lines of the complaint, without the first. */
function problems(env: Env): readonly string[] {
  try {
    read(env);
  } catch (error) {
    return String(error)
      .split("\n")
      .slice(1)
      .map((line) => line.replace("  - ", ""));
  }
  return [];
}

test("with Redis and users, the rest has defaults", () => {
  expect(read({})).toMatchObject({
    namespace: "understudy",
    host: "127.0.0.1",
    port: 3000,
    publicUrl: undefined,
    users: [{ name: "ada", role: "admin" }],
    oidc: undefined,
    hasOneTimeLink: false,
    trustedProxies: [],
    logLevel: "info",
  });
});

test("it is closed by default: without anybody who could sign in it says what to set", () => {
  expect(problems({ DASHBOARD_USERS_FILE: "" })).toEqual([
    expect.stringMatching(/^Nobody could sign in\. Set DASHBOARD_USERS_FILE/u),
  ]);
});

test("everything that is wrong is told at once", () => {
  const told = problems({
    REDIS_URL: "",
    DASHBOARD_PORT: "http",
    DASHBOARD_USERS_FILE: "bad.json",
    LOG_LEVEL: "loud",
    DASHBOARD_SESSION_SECRET: "hunter2",
  });
  expect(told.map((line) => line.split(" ")[0])).toEqual([
    "REDIS_URL",
    "DASHBOARD_PORT",
    "DASHBOARD_USERS_FILE",
    "DASHBOARD_SESSION_SECRET",
    "LOG_LEVEL",
  ]);
  expect(told.join("\n")).not.toContain("hunter2");
});

test.each([
  [{ DASHBOARD_HOST: "0.0.0.0" }, "DASHBOARD_PUBLIC_URL is not set"],
  [{ DASHBOARD_PUBLIC_URL: "http://jobs.example.com" }, "must be https"],
  [{ DASHBOARD_PUBLIC_URL: "https://jobs.example.com/path" }, "without a path"],
  [{ DASHBOARD_PUBLIC_URL: "jobs" }, "must look like"],
  [
    {
      DASHBOARD_HOST: "0.0.0.0",
      DASHBOARD_PUBLIC_URL: "https://jobs.example.com",
      DASHBOARD_ONE_TIME_LINK: "1",
    },
    "for loopback only",
  ],
  [{ DASHBOARD_USERS_FILE: "absent.json" }, "it cannot be read (ENOENT)"],
  [{ DASHBOARD_OIDC_CLIENT_ID: "x" }, "DASHBOARD_OIDC_ISSUER is not"],
  [
    { DASHBOARD_OIDC_ISSUER: "http://login.example.com", DASHBOARD_OIDC_CLIENT_ID: "x" },
    "must be an https address",
  ],
  [{ DASHBOARD_OIDC_ISSUER: "https://login.example.com" }, "DASHBOARD_OIDC_CLIENT_ID is not set"],
  [
    {
      DASHBOARD_OIDC_ISSUER: "https://login.example.com",
      DASHBOARD_OIDC_CLIENT_ID: "x",
      DASHBOARD_OIDC_ROLES: "a=root",
    },
    "DASHBOARD_OIDC_ROLES is wrong",
  ],
  [{ NAMESPACE: "my jobs" }, "NAMESPACE is wrong"],
  [{ REDIS_URL: "http://x" }, "must look like redis://"],
])("%j is refused", (env, words) => {
  expect(problems(env as Env)).toEqual([expect.stringContaining(words)]);
});

test("OpenID Connect alone is enough, and its groups become roles", () => {
  const { oidc } = read({
    DASHBOARD_USERS_FILE: "",
    DASHBOARD_OIDC_ISSUER: "https://login.example.com",
    DASHBOARD_OIDC_CLIENT_ID: "dashboard",
    DASHBOARD_OIDC_ROLES: "cn=oncall=operator, finance=money-operator",
  });
  expect([...(oidc?.roles ?? [])]).toEqual([
    ["cn=oncall", "operator"],
    ["finance", "money-operator"],
  ]);
});
