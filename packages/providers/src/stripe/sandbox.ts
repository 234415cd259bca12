import { setTimeout as sleep } from "node:timers/promises";

import { type FakeAnswer, type FakeRequest, httpSandbox } from "../sandbox/http-sandbox.ts";
import { createKeyedAnswers } from "../sandbox/keyed-answers.ts";
import { fateOfToken, type Sandbox } from "../sandbox/sandbox.ts";
import { stripe } from "./provider.ts";

const SLOW_MS = 300;

/** Judges payment intents and refunds as https://docs.stripe.com/api describes them, with keys, search and lists. */
export const stripeSandbox: Sandbox = {
  provider: stripe.name,
  start: (options) =>
    httpSandbox({
      provider: stripe.name,
      config: stripe.sandboxConfig,
      answer: createFake(),
      refusal: (status) => ({
        error: { type: status === 429 ? "invalid_request_error" : "api_error", message: `Status ${status}` },
      }),
    }).start(options),
};

interface Intent {
  readonly id: string;
  readonly object: "payment_intent";
  readonly status: "succeeded" | "requires_payment_method" | "requires_action";
  readonly amount: number;
  readonly created: number;
  readonly currency: string;
  readonly payment_method: string;
  readonly client_secret: string;
  readonly metadata: Readonly<Record<string, string>>;
  readonly last_payment_error: object | null;
  readonly next_action: object | null;
}

interface Refund {
  readonly id: string;
  readonly object: "refund";
  readonly status: "succeeded";
  readonly amount: number;
  readonly created: number;
  readonly currency: string;
  readonly payment_intent: string;
  readonly metadata: Readonly<Record<string, string>>;
}

type Form = ReadonlyMap<string, string>;

function createFake(): (request: FakeRequest) => FakeAnswer | Promise<FakeAnswer> {
  const keyed = createKeyedAnswers();
  const intents = new Map<string, Intent>();
  const intentsOfJob = new Map<string, Intent[]>();
  const refundsOf = new Map<string, Refund[]>();

  return ({ method, path, query, headers, body }) => {
    if (headers.authorization !== `Bearer ${stripe.sandboxConfig["secretKey"]}`)
      return refuse(401, { message: "Invalid API Key provided" });
    const form: Form = new Map(new URLSearchParams(body.toString()));
    const key = headers["idempotency-key"];
    if (method === "POST" && path === "/v1/payment_intents")
      return once(key, path, body, () => createIntent(form));
    if (method === "POST" && path === "/v1/refunds") return once(key, path, body, () => createRefund(form));
    if (method === "GET" && path === "/v1/payment_intents/search") return search(query);
    if (method === "GET" && path === "/v1/refunds") return listRefunds(query);
    return refuse(404, { message: `Unrecognized request URL (${method}: ${path}).` });
  };

  function once(
    key: string | string[] | undefined,
    path: string,
    body: Buffer,
    serve: () => FakeAnswer | Promise<FakeAnswer>,
  ): FakeAnswer | Promise<FakeAnswer> {
    // Without a key Stripe does what it is asked each time.
    if (typeof key !== "string") return serve();
    if (key.length > 255)
      return refuse(400, { message: "Idempotency keys are at most 255 characters long." });
    return keyed.serve(key, `${path}\n${body.toString()}`, {
      serve,
      conflict: () =>
        refuse(400, {
          type: "idempotency_error",
          message: "Keys can only be used with the parameters they were first used with.",
        }),
      inProgress: () =>
        refuse(409, {
          code: "idempotency_key_in_use",
          message: "There is another in-progress request using this key.",
        }),
      // What fails validation has not begun, and is forgotten.
      isKept: ({ status }) => status === 200 || status === 402,
    });
  }

  async function createIntent(form: Form): Promise<FakeAnswer> {
    const amount = form.get("amount") ?? "";
    const currency = form.get("currency") ?? "";
    const token = form.get("payment_method") ?? "";
    const wrong = amountProblem(amount, currency);
    if (wrong !== undefined) return refuse(400, wrong);
    if (form.get("confirm") !== "true" || token === "")
      return refuse(400, {
        code: "parameter_missing",
        param: "payment_method",
        message: "Missing parameter.",
      });
    for (const param of ["payment_method", "customer"])
      if (fateOfToken(form.get(param) ?? "") === "missing")
        return refuse(400, { code: "resource_missing", param, message: `No such ${param}.` });
    if (token.includes("slow")) await sleep(SLOW_MS, undefined, { ref: false });
    return settle(Number(amount), currency, token, form);
  }

  function settle(amount: number, currency: string, token: string, form: Form): FakeAnswer {
    const fate = fateOfToken(token);
    const refusal = refusals[fate];
    const asksCustomer = fate === "needs_action" && form.get("off_session") !== "true";
    const id = `pi_${randomId()}`;
    const intent: Intent = {
      id,
      object: "payment_intent",
      status: asksCustomer
        ? "requires_action"
        : refusal === undefined
          ? "succeeded"
          : "requires_payment_method",
      amount,
      created: seconds(),
      currency,
      payment_method: token,
      client_secret: `${id}_secret_${randomId()}`,
      metadata: metadataOf(form),
      last_payment_error: asksCustomer ? null : (refusal ?? null),
      next_action: asksCustomer
        ? { type: "redirect_to_url", redirect_to_url: { url: `https://hooks.stripe.com/${id}` } }
        : null,
    };
    intents.set(id, intent);
    const jobId = intent.metadata["job_id"];
    if (jobId !== undefined) intentsOfJob.set(jobId, [...(intentsOfJob.get(jobId) ?? []), intent]);
    if (intent.last_payment_error !== null)
      return { status: 402, body: { error: { ...intent.last_payment_error, payment_intent: intent } } };
    return {
      status: 200,
      body: intent,
      ...(intent.status === "succeeded" && {
        effect: { jobId, money: "charge", amountMinor: minorOf(amount, currency) },
      }),
    };
  }

  async function createRefund(form: Form): Promise<FakeAnswer> {
    const param = "payment_intent";
    const intent = intents.get(form.get(param) ?? "");
    if (intent === undefined)
      return refuse(404, { code: "resource_missing", param, message: "No such payment_intent." });
    if (intent.payment_method.includes("slow")) await sleep(SLOW_MS, undefined, { ref: false });
    if (intent.status !== "succeeded")
      return refuse(400, {
        code: "payment_intent_unexpected_state",
        message: "It has no successful charge.",
      });
    const before = refundsOf.get(intent.id) ?? [];
    const left = intent.amount - before.reduce((sum, { amount }) => sum + amount, 0);
    const amount = Number(form.get("amount") ?? left);
    if (left === 0)
      return refuse(400, { code: "charge_already_refunded", message: "It has already been refunded." });
    if (!Number.isInteger(amount) || amount < 1)
      return refuse(400, { code: "parameter_invalid_integer", param: "amount", message: "Invalid integer" });
    if (amount > left)
      return refuse(400, {
        param: "amount",
        message: `Refund amount (${amount}) is greater than unrefunded amount on charge (${left})`,
      });
    const made: Refund = {
      id: `re_${randomId()}`,
      object: "refund",
      status: "succeeded",
      amount,
      created: seconds(),
      currency: intent.currency,
      payment_intent: intent.id,
      metadata: metadataOf(form),
    };
    refundsOf.set(intent.id, [made, ...before]);
    const jobId = made.metadata["job_id"];
    const amountMinor = minorOf(amount, intent.currency);
    return { status: 200, body: made, effect: { jobId, money: "refund", amountMinor } };
  }

  function search(query: URLSearchParams): FakeAnswer {
    const asked = /^created>=(\d+) AND metadata\[(["'])job_id\2\]:["'](.*)["']$/u;
    const [, since, , jobId] = asked.exec(query.get("query") ?? "") ?? [];
    if (jobId === undefined)
      return refuse(400, { param: "query", message: "We were unable to parse your search query." });
    const found = (intentsOfJob.get(jobId) ?? [])
      .filter(({ created }) => created >= Number(since))
      .toReversed();
    const start = Number(query.get("page") ?? 0);
    const end = start + Number(query.get("limit") ?? 10);
    const hasMore = end < found.length;
    return {
      status: 200,
      body: {
        object: "search_result",
        data: found.slice(start, end),
        has_more: hasMore,
        next_page: hasMore ? String(end) : null,
      },
    };
  }

  function listRefunds(query: URLSearchParams): FakeAnswer {
    const all = refundsOf.get(query.get("payment_intent") ?? "") ?? [];
    const start = all.findIndex(({ id }) => id === query.get("starting_after")) + 1;
    const end = start + Number(query.get("limit") ?? 10);
    return {
      status: 200,
      body: { object: "list", data: all.slice(start, end), has_more: end < all.length },
    };
  }
}

const refusals: Readonly<Record<string, object>> = {
  declined: { type: "card_error", code: "card_declined", decline_code: "insufficient_funds" },
  needs_action: {
    type: "card_error",
    code: "authentication_required",
    decline_code: "authentication_required",
  },
};

interface Problem {
  readonly type?: string;
  readonly code?: string;
  readonly param?: string;
  readonly message: string;
}

function refuse(status: number, problem: Problem): FakeAnswer {
  return { status, body: { error: { type: "invalid_request_error", ...problem } } };
}

/** https://docs.stripe.com/currencies#special-cases, for the currencies in which they show. */
const perMinor: Readonly<Record<string, number>> = { mga: 0.01, isk: 100, ugx: 100 };

function minorOf(amount: number, currency: string): number {
  return amount / (perMinor[currency] ?? 1);
}

function amountProblem(amount: string, currency: string): Problem | undefined {
  if (!/^[a-z]{3}$/u.test(currency)) return { param: "currency", message: "Invalid currency" };
  if (!/^[1-9]\d*$/u.test(amount))
    return { code: "parameter_invalid_integer", param: "amount", message: "Invalid integer" };
  const step = /^(?:isk|ugx)$/u.test(currency) ? 100 : /^(?:bhd|jod|kwd|omr|tnd)$/u.test(currency) ? 10 : 1;
  return Number(amount) % step === 0
    ? undefined
    : { code: "invalid_charge_amount", param: "amount", message: `Must be divisible by ${step}` };
}

function metadataOf(form: Form): Record<string, string> {
  const entries = [...form].flatMap(([name, value]) => {
    const [, key] = /^metadata\[(.+)\]$/u.exec(name) ?? [];
    return key === undefined ? [] : [[key, value] as const];
  });
  return Object.fromEntries(entries);
}

function seconds(): number {
  return Math.floor(Date.now() / 1000);
}

function randomId(): string {
  return crypto.randomUUID().replaceAll("-", "").slice(0, 24);
}
