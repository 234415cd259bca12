import { availableParallelism } from "node:os";

import { jobs } from "@understudy/jobs";
import { providers } from "@understudy/providers";
import { defaultCircuit } from "@understudy/resilience";
import { describe, expect, test } from "vitest";

import { readConfig, type WorkerConfig } from "./config.ts";
import type { Env } from "./env.ts";

const needed = {
  REDIS_URL: "redis://127.0.0.1:6379",
  ROUTE_EMAIL_SEND: "sendgrid",
  SENDGRID_API_KEY: "SG.real",
};

const known = Object.values(providers)
  .filter(({ adapters }) => adapters.some(({ capability }) => capability.name === "email.send"))
  .map(({ name }) => name)
  .join(", ");

const queues = [...new Set(jobs.map(({ queue }) => queue))].join(", ");

function read(env: Env): WorkerConfig {
  return readConfig({ ...needed, ...env }, jobs, providers);
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

test("with nothing but Redis, a route and its credentials, the rest has defaults", () => {
  expect(read({})).toEqual({
    role: "both",
    processes: 1,
    redisUrl: "redis://127.0.0.1:6379",
    namespace: "understudy",
    queues: [{ name: "email", concurrency: 20 }],
    routes: new Map([["email.send", { providers: ["sendgrid"], keepWarm: 0.01 }]]),
    providers: new Map([
      [
        "sendgrid",
        {
          settings: { apiKey: "SG.real", region: "global" },
          perSecond: Infinity,
          perDay: Infinity,
          concurrent: Infinity,
          retryBudget: 0.2,
        },
      ],
    ]),
    callTimeoutMs: 15_000,
    lookUpAfterMs: undefined,
    drainDeadlineMs: 25_000,
    lockMs: 60_000,
    stalledCheckMs: 30_000,
    retention: {},
    circuits: new Map([["sendgrid email.send", { ...defaultCircuit, probeLeaseMs: 20_000 }]]),
    fleet: "shared",
    backend: "fast",
    provenMs: 86_400_000,
    http: { host: "127.0.0.1", port: 8080 },
    logLevel: "info",
    suspicions: [],
  });
});

test("WORKER_PROCESSES is a number of workers, or auto for one per core; a janitor is always one", () => {
  expect(read({ WORKER_PROCESSES: "3" }).processes).toBe(3);
  expect(read({ WORKER_PROCESSES: "auto" }).processes).toBe(Math.min(availableParallelism(), 64));
  expect(read({ WORKER_PROCESSES: "3", ROLE: "janitor" }).processes).toBe(1);
  for (const WORKER_PROCESSES of ["0", "65", "1.5", "all"])
    expect(problems({ WORKER_PROCESSES })).toEqual([
      "WORKER_PROCESSES is wrong: must be a whole number from 1 to 64, or auto for one per core.",
    ]);
});

test("look-ups are not believed early where it counts", () => {
  expect(read({ LOOK_UP_AFTER_MS: "500" }).lookUpAfterMs).toBe(500);
  expect(problems({ LOOK_UP_AFTER_MS: "500", NODE_ENV: "production" })).toEqual([
    expect.stringContaining("LOOK_UP_AFTER_MS is for sandboxes"),
  ]);
});

describe("of queues that are not named", () => {
  const charges = { ROUTE_PAYMENT_CHARGE: "stripe", STRIPE_SECRET_KEY: "sk_live_1" };

  test("those are served that have a route", () => {
    const config = read({ ...charges, ROUTE_PAYMENT_REFUND: "stripe" });
    expect(config.queues.map(({ name }) => name).toSorted()).toEqual(["email", "payments"]);
    expect(read({}).queues).toEqual([{ name: "email", concurrency: 20 }]);
  });

  test("one that lacks a route of its own is told", () => {
    expect(problems(charges)).toEqual([expect.stringMatching(/^ROUTE_PAYMENT_REFUND is not set/u)]);
  });
});

test("a janitor needs neither routes nor credentials", () => {
  const env = { ROLE: "janitor", ROUTE_EMAIL_SEND: "", SENDGRID_API_KEY: "" };
  expect(read(env)).toMatchObject({ role: "janitor", routes: new Map(), providers: new Map() });
});

test("each variable is read into its place", () => {
  const config = read({
    REDIS_URL: "rediss://user:password@redis.example:6380/3",
    NAMESPACE: "shop_2",
    QUEUES: "email=7",
    ROUTE_EMAIL_SEND: "mailgun=3, smtp=1",
    MAILGUN_API_KEY: "key-real",
    MAILGUN_DOMAIN: "mg.example.com",
    MAILGUN_REGION: "eu",
    SMTP_URL: "smtp://user:password@relay.example:587",
    LIMIT_MAILGUN_PER_SECOND: "2.5",
    LIMIT_MAILGUN_CONCURRENT: "4",
    LIMIT_MAILGUN_PER_DAY: "1000",
    RETRY_BUDGET: "0.5",
    RETRY_BUDGET_MAILGUN: "0.1",
    KEEP_WARM: "0.02",
    KEEP_WARM_EMAIL_SEND: "0.03",
    BACKUP_PROVEN_HOURS: "2",
    CALL_TIMEOUT_MS: "1000",
    DRAIN_DEADLINE_MS: "0",
    LOCK_MS: "5000",
    STALLED_CHECK_MS: "1000",
    DEAD_LETTERS_MAX_DAYS: "30",
    DEAD_LETTERS_MAX_COUNT: "1000",
    DEAD_LETTERS_MAX_MB: "50",
    CIRCUIT_WINDOW_MS: "2000",
    CIRCUIT_MIN_CALLS: "3",
    CIRCUIT_FAILURE_RATE: "1",
    CIRCUIT_OPEN_MS: "100",
    CIRCUIT_MAX_OPEN_MS: "100",
    CIRCUIT_QUORUM: "0.6",
    CIRCUIT_MAILGUN_MIN_CALLS: "7",
    CIRCUIT_MAILGUN_EMAIL_SEND_SLOW_MS: "900",
    HTTP_HOST: "0.0.0.0",
    HTTP_PORT: "0",
    LOG_LEVEL: "debug",
  });
  expect(config).toMatchObject({
    redisUrl: "rediss://user:password@redis.example:6380/3",
    namespace: "shop_2",
    queues: [{ name: "email", concurrency: 7 }],
    callTimeoutMs: 1000,
    drainDeadlineMs: 0,
    lockMs: 5000,
    stalledCheckMs: 1000,
    retention: { maxAgeMs: 30 * 86_400_000, maxLetters: 1000, maxBytes: 50_000_000 },
    provenMs: 7_200_000,
    http: { host: "0.0.0.0", port: 0 },
    logLevel: "debug",
  });
  expect(config.routes.get("email.send")).toEqual({
    providers: ["mailgun", "smtp"],
    weights: new Map([
      ["mailgun", 3],
      ["smtp", 1],
    ]),
    keepWarm: 0.03,
  });
  const circuit = { windowMs: 2000, minCalls: 3, failureRate: 1, openMs: 100, maxOpenMs: 100, quorum: 0.6 };
  expect(config.circuits.get("smtp email.send")).toMatchObject({ ...circuit, slowMs: 5000 });
  expect(config.circuits.get("mailgun email.send")).toMatchObject({ ...circuit, minCalls: 7, slowMs: 900 });
  expect(config.providers.get("smtp")?.retryBudget).toBe(0.5);
  expect(config.providers.get("mailgun")).toEqual({
    settings: { apiKey: "key-real", domain: "mg.example.com", region: "eu" },
    perSecond: 2.5,
    perDay: 1000,
    concurrent: 4,
    retryBudget: 0.1,
  });
});

test("a value is read without the blanks and line ends of the file it came from, and blanks alone are nothing", () => {
  const config = read({ SENDGRID_API_KEY: " SG.real\n", LOG_LEVEL: " " });
  expect(config.providers.get("sendgrid")?.settings).toMatchObject({ apiKey: "SG.real" });
  expect(config.logLevel).toBe("info");
});

test("everything that is wrong is told at once", () => {
  expect(
    problems({ REDIS_URL: "", SENDGRID_API_KEY: "", QUEUES: "emial", HTTP_PORT: "http", LOG_LEVEL: "loud" }),
  ).toEqual([
    `QUEUES names "emial", but the queues are ${queues}.`,
    "REDIS_URL is not set.",
    "HTTP_PORT is wrong: must be a whole number from 0 to 65535.",
    expect.stringMatching(/^LOG_LEVEL is wrong: .*"trace"/u),
  ]);
  const nothing = problems({ ROUTE_EMAIL_SEND: "", REDIS_URL: "" });
  expect(nothing).toContain(
    `ROUTE_EMAIL_SEND is not set. Name one or more of ${known}, the preferred one first.`,
  );
  expect(nothing.map((line) => line.replace(/ is not set.*$/u, "")).toSorted()).toEqual([
    "REDIS_URL",
    "ROUTE_ANALYTICS_TRACK",
    "ROUTE_EMAIL_SEND",
    "ROUTE_PAYMENT_CHARGE",
    "ROUTE_PAYMENT_REFUND",
  ]);
});

test.each([
  ["REDIS_URL", "127.0.0.1:6379", "must look like redis://"],
  ["REDIS_URL", "http://127.0.0.1:6379", "must look like redis://"],
  ["REDIS_URL", "redis://", "must look like redis://"],
  ["REDIS_URL", "redis://host/jobs", "must look like redis://"],
  ["NAMESPACE", "my jobs", "holds letters, digits, _ and - only"],
  ["QUEUES", "email=0", "how many of email at once must be a whole number from 1 to 1000, as in email=20"],
  ["QUEUES", "email=", "how many of email at once"],
  ["QUEUES", "email=5=6", "how many of email at once"],
  ["QUEUES", "email,email=3", "names a queue twice"],
  ["QUEUES", "email,", `names "", but the queues are ${queues}`],
  ["ROUTE_EMAIL_SEND", "sendgird", `names "sendgird", but email.send is served by ${known}`],
  ["ROUTE_EMAIL_SEND", "sendgrid,sendgrid", "names a provider twice"],
  ["ROUTE_EMAIL_SEND", "sendgrid,", 'names ""'],
  ["SENDGRID_REGION", "mars", "Invalid option"],
  ["SENDGRID_BASE_URL", "sendgrid", "is wrong"],
  ["LIMIT_SENDGRID_PER_SECOND", "0", "must be a number above 0"],
  ["LIMIT_SENDGRID_CONCURRENT", "many", "must be a number above 0"],
  ["CALL_TIMEOUT_MS", "15s", "must be a whole number from 100 to"],
  ["CALL_TIMEOUT_MS", "1", "must be a whole number from 100 to"],
  ["DRAIN_DEADLINE_MS", "-1", "must be a whole number from 0 to"],
  ["LOCK_MS", "1.5", "must be a whole number from 1000 to"],
  ["STALLED_CHECK_MS", "soon", "must be a whole number from 500 to"],
  ["CIRCUIT_WINDOW_MS", "x", "must be a whole number"],
  ["CIRCUIT_MIN_CALLS", "0", "must be a whole number from 1 to"],
  ["CIRCUIT_FAILURE_RATE", "50%", "must be a number above 0, at most 1"],
  ["CIRCUIT_FAILURE_RATE", "1.5", "must be a number above 0, at most 1"],
  ["CIRCUIT_OPEN_MS", "x", "must be a whole number"],
  ["CIRCUIT_MAX_OPEN_MS", "4999", "must not be below CIRCUIT_OPEN_MS"],
  ["CIRCUIT_SENDGRID_MAX_OPEN_MS", "4999", "must not be below CIRCUIT_SENDGRID_OPEN_MS"],
  ["CIRCUIT_SENDGRID_EMAIL_SEND_SLOW_RATE", "0", "must be a number above 0, at most 1"],
  ["CIRCUIT_QUORUM", "1.1", "must be a number above 0, at most 1"],
  ["CIRCUIT_QUORUM", "0", "must be a number above 0, at most 1"],
  ["LIMIT_SENDGRID_PER_DAY", "0", "must be a whole number from 1 to"],
  ["RETRY_BUDGET", "0", "must be a number above 0, at most 1"],
  ["RETRY_BUDGET_SENDGRID", "2", "must be a number above 0, at most 1"],
  ["KEEP_WARM", "0.6", "must be a number from 0 to 0.5"],
  ["KEEP_WARM_EMAIL_SEND", "-1", "must be a number from 0 to 0.5"],
  ["ROUTE_EMAIL_SEND", "sendgrid=0", "the weight of sendgrid must be a whole number from 1 to 1000"],
  ["HTTP_PORT", "65536", "must be a whole number from 0 to 65535"],
  ["LOG_LEVEL", "verbose", "Invalid option"],
])("%s=%s is refused by its name, and by it alone", (name, value, words) => {
  expect(problems({ [name]: value })).toEqual([expect.stringContaining(words)]);
  expect(problems({ [name]: value })[0]).toContain(name);
});

describe("a misspelt variable", () => {
  test("is named where the right one is missing", () => {
    expect(problems({ SENDGRID_API_KEY: "", SENDGRID_KEY: "SG.real" })).toEqual([
      "SENDGRID_API_KEY is not set; sendgrid is on a route. (SENDGRID_KEY is set but means nothing here.)",
    ]);
    expect(problems({ REDIS_URL: "", REDIS_ULR: "redis://127.0.0.1:6379" })).toEqual([
      "REDIS_URL is not set.",
      "REDIS_ULR is set but means nothing here; did you mean REDIS_URL?",
    ]);
  });

  test("is suspected where a default stands in for the right one", () => {
    expect(read({ CALL_TIMEOUT: "100", http_port: "9090", PATH: "/bin", PORT: "1" }).suspicions).toEqual([
      "http_port is set but means nothing here; did you mean HTTP_PORT?",
    ]);
    expect(read({ HTTP_PROT: "9090", HTTP_PORT: "9090" }).suspicions).toEqual([]);
  });
});

describe("in production", () => {
  test.each([
    ["sendgrid", { SENDGRID_API_KEY: "SG.understudy-sandbox" }, "SENDGRID_API_KEY"],
    [
      "mailgun",
      { MAILGUN_API_KEY: "key-understudy-sandbox", MAILGUN_DOMAIN: "mg.example.com" },
      "MAILGUN_API_KEY",
    ],
    ["smtp", { SMTP_URL: "smtp://understudy-sandbox:understudy-sandbox@10.0.0.7:2525" }, "SMTP_URL"],
  ])("the sandbox's credential of %s is refused, elsewhere it is taken", (route, env, name) => {
    const sandbox = { ROUTE_EMAIL_SEND: route, ...env };
    expect(problems({ ...sandbox, NODE_ENV: "development" })).toEqual([]);
    for (const production of ["production", "Production "])
      expect(problems({ ...sandbox, NODE_ENV: production })).toEqual([
        `${name} is the sandbox's own, and NODE_ENV is production: what it serves would go nowhere. Give the real credential of ${route}.`,
      ]);
  });

  test("real credentials are taken", () => {
    const env = { NODE_ENV: "production", ROUTE_EMAIL_SEND: "sendgrid,smtp" };
    expect(problems({ ...env, SMTP_URL: "smtp://shop:secret@relay.example:587" })).toEqual([]);
  });
});

test("what only the adapter can judge is told with the rest, and without the secret", () => {
  expect(problems({ ROUTE_EMAIL_SEND: "smtp", SMTP_URL: "hunter2", HTTP_PORT: "x" })).toEqual([
    "SMTP_URL must be like smtp://user:password@host:587.",
    "HTTP_PORT is wrong: must be a whole number from 0 to 65535.",
  ]);
});

test("no complaint holds a secret", () => {
  const secrets = {
    REDIS_URL: "redis//:hunter2@host",
    ROUTE_EMAIL_SEND: "mailgun,smtp",
    MAILGUN_API_KEY: "hunter2",
    MAILGUN_DOMAIN: "hunter2 hunter2",
    MAILGUN_BASE_URL: "hunter2",
    SMTP_PASSWORD: "hunter2",
    SMTP_REQUIRE_TLS: "hunter2",
    NAMESPACE: "hunter2!",
  };
  const told = problems(secrets);
  expect(told.map((line) => line.split(" ")[0])).toEqual([
    "REDIS_URL",
    "NAMESPACE",
    "MAILGUN_DOMAIN",
    "MAILGUN_BASE_URL",
    "SMTP_URL",
    "SMTP_REQUIRE_TLS",
  ]);
  expect(told.join("\n")).not.toContain("hunter2");
});
