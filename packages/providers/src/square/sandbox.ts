import { setTimeout as sleep } from "node:timers/promises";

import * as z from "zod";

import { type FakeAnswer, type FakeRequest, httpSandbox } from "../sandbox/http-sandbox.ts";
import { createKeyedAnswers } from "../sandbox/keyed-answers.ts";
import { fateOfToken, type Sandbox } from "../sandbox/sandbox.ts";
import { square } from "./provider.ts";

const SLOW_MS = 300;

/** Judges payments and refunds as https://developer.squareup.com/reference/square describes them, with keys and lists. */
export const squareSandbox: Sandbox = {
  provider: square.name,
  start: (options) =>
    httpSandbox({
      provider: square.name,
      config: square.sandboxConfig,
      answer: createFake(),
      refusal: (status) =>
        status === 429
          ? errors("RATE_LIMIT_ERROR", "RATE_LIMITED")
          : errors("API_ERROR", status === 503 ? "SERVICE_UNAVAILABLE" : "INTERNAL_SERVER_ERROR"),
    }).start(options),
};

const money = z.object({
  amount: z.int().positive(),
  currency: z.enum(["AUD", "CAD", "EUR", "GBP", "JPY", "USD"]),
});

const paymentRequest = z.object({
  source_id: z.string().min(1),
  idempotency_key: z.string().min(1).max(45),
  amount_money: money,
  autocomplete: z.literal(true),
  customer_id: z.string().optional(),
  location_id: z.string().optional(),
  reference_id: z.string().max(40).optional(),
  note: z.string().max(500).optional(),
});

const refundRequest = z.object({
  payment_id: z.string().min(1),
  idempotency_key: z.string().min(1).max(45),
  amount_money: money,
  reason: z.string().max(192).optional(),
});

interface Payment {
  readonly id: string;
  readonly status: "COMPLETED" | "FAILED";
  readonly amount_money: z.output<typeof money>;
  readonly reference_id: string | undefined;
  readonly created_at: string;
  readonly card_details: object;
}

interface Refund {
  readonly id: string;
  readonly status: "PENDING";
  readonly amount_money: z.output<typeof money>;
  readonly payment_id: string;
  readonly reason: string | undefined;
  readonly created_at: string;
}

function createFake(): (request: FakeRequest) => FakeAnswer | Promise<FakeAnswer> {
  const keyed = createKeyedAnswers();
  const payments = new Map<string, Payment>();
  const slow = new Set<string>();
  const refunds: Refund[] = [];
  const refunded = new Map<string, number>();

  return ({ method, path, query, headers, body }) => {
    if (headers.authorization !== `Bearer ${square.sandboxConfig["accessToken"]}`)
      return refuse(401, "AUTHENTICATION_ERROR", "UNAUTHORIZED");
    if (!/^\d{4}-\d{2}-\d{2}$/u.test(String(headers["square-version"])))
      return refuse(400, "INVALID_REQUEST_ERROR", "INVALID_SQUARE_VERSION_FORMAT");
    const said = json(body);
    if (method === "POST" && path === "/v2/payments") return once(path, body, paymentRequest, said, pay);
    if (method === "POST" && path === "/v2/refunds") return once(path, body, refundRequest, said, giveBack);
    if (method === "GET" && path === "/v2/payments") {
      const total = query.get("total");
      return list("payments", query, [...payments.values()], (one) =>
        total === null ? true : String(one.amount_money.amount) === total,
      );
    }
    if (method === "GET" && path === "/v2/refunds") return list("refunds", query, refunds, () => true);
    return refuse(404, "INVALID_REQUEST_ERROR", "NOT_FOUND");
  };

  function once<Asked extends { readonly idempotency_key: string }>(
    path: string,
    body: Buffer,
    schema: z.ZodType<Asked>,
    said: unknown,
    serve: (asked: Asked) => Promise<FakeAnswer>,
  ): FakeAnswer | Promise<FakeAnswer> {
    const parsed = schema.safeParse(said);
    if (!parsed.success) {
      const [issue] = parsed.error.issues;
      return refuse(400, "INVALID_REQUEST_ERROR", "BAD_REQUEST", issue?.path.join("."));
    }
    return keyed.serve(`${path} ${parsed.data.idempotency_key}`, body, {
      serve: () => serve(parsed.data),
      conflict: () => refuse(400, "INVALID_REQUEST_ERROR", "IDEMPOTENCY_KEY_REUSED", "idempotency_key"),
      inProgress: () => refuse(409, "INVALID_REQUEST_ERROR", "CONFLICT"),
      isKept: ({ status, body }) => status === 200 || (status === 400 && "payment" in (body as object)),
    });
  }

  async function pay(asked: z.output<typeof paymentRequest>): Promise<FakeAnswer> {
    for (const token of [asked.source_id, asked.customer_id ?? ""])
      if (fateOfToken(token) === "missing") return refuse(404, "INVALID_REQUEST_ERROR", "NOT_FOUND");
    if (asked.source_id.includes("slow")) await sleep(SLOW_MS, undefined, { ref: false });
    const refusal = refusals[fateOfToken(asked.source_id)];
    const problems = refusal === undefined ? undefined : errors("PAYMENT_METHOD_ERROR", refusal);
    const payment: Payment = {
      id: randomId(),
      status: problems === undefined ? "COMPLETED" : "FAILED",
      amount_money: asked.amount_money,
      reference_id: asked.reference_id,
      created_at: new Date().toISOString(),
      card_details: problems ?? { status: "CAPTURED" },
    };
    payments.set(payment.id, payment);
    if (asked.source_id.includes("slow")) slow.add(payment.id);
    if (problems !== undefined) return { status: 400, body: { ...problems, payment } };
    // The reference of a long id is a digest; people read the whole one in the note.
    const [, jobId = asked.reference_id] = /\[job (.+)\]$/u.exec(asked.note ?? "") ?? [];
    return {
      status: 200,
      body: { payment },
      effect: { jobId, money: "charge", amountMinor: asked.amount_money.amount },
    };
  }

  async function giveBack({
    payment_id,
    amount_money,
    reason,
  }: z.output<typeof refundRequest>): Promise<FakeAnswer> {
    const payment = payments.get(payment_id);
    if (payment === undefined) return refuse(404, "INVALID_REQUEST_ERROR", "NOT_FOUND");
    if (slow.has(payment_id)) await sleep(SLOW_MS, undefined, { ref: false });
    if (payment.status !== "COMPLETED") return refuse(400, "REFUND_ERROR", "PAYMENT_NOT_REFUNDABLE");
    if (amount_money.currency !== payment.amount_money.currency)
      return refuse(400, "INVALID_REQUEST_ERROR", "CURRENCY_MISMATCH", "amount_money.currency");
    const before = refunded.get(payment_id) ?? 0;
    if (amount_money.amount > payment.amount_money.amount - before)
      return refuse(400, "REFUND_ERROR", "REFUND_AMOUNT_INVALID", "amount_money.amount");
    refunded.set(payment_id, before + amount_money.amount);
    const refund: Refund = {
      id: `${payment_id}_${randomId()}`,
      status: "PENDING",
      amount_money,
      payment_id,
      reason,
      created_at: new Date().toISOString(),
    };
    refunds.push(refund);
    const [, jobId] = /\[job (.+)\]$/u.exec(reason ?? "") ?? [];
    return {
      status: 200,
      body: { refund },
      effect: { jobId, money: "refund", amountMinor: amount_money.amount },
    };
  }
}

/** Oldest first; what is empty is left out. */
function list<Item extends { readonly created_at: string }>(
  name: string,
  query: URLSearchParams,
  items: readonly Item[],
  isMeant: (item: Item) => boolean,
): FakeAnswer {
  const begin = Date.parse(query.get("begin_time") ?? "1970-01-01T00:00:00Z");
  const meant = items.filter((item) => isMeant(item) && Date.parse(item.created_at) >= begin);
  const start = Number(query.get("cursor") ?? 0);
  const end = start + Number(query.get("limit") ?? 100);
  const page = meant.slice(start, end);
  return {
    status: 200,
    headers: { "square-version": "2026-09-16" },
    body: { ...(page.length > 0 && { [name]: page }), ...(end < meant.length && { cursor: String(end) }) },
  };
}

const refusals: Readonly<Record<string, string>> = {
  declined: "INSUFFICIENT_FUNDS",
  needs_action: "CARD_DECLINED_VERIFICATION_REQUIRED",
};

function refuse(status: number, category: string, code: string, field?: string): FakeAnswer {
  return { status, body: errors(category, code, field) };
}

function errors(category: string, code: string, field?: string): { readonly errors: readonly object[] } {
  return {
    errors: [{ category, code, detail: `The fake says ${code}.`, ...(field !== undefined && { field }) }],
  };
}

function randomId(): string {
  return crypto.randomUUID().replaceAll("-", "");
}

function json(body: Buffer): unknown {
  try {
    return JSON.parse(body.toString());
  } catch {
    return undefined;
  }
}
