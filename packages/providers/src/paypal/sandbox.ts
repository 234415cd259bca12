import { randomBytes } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";

import * as z from "zod";

import { type FakeAnswer, type FakeRequest, httpSandbox } from "../sandbox/http-sandbox.ts";
import { createKeyedAnswers } from "../sandbox/keyed-answers.ts";
import { fateOfToken, type Sandbox } from "../sandbox/sandbox.ts";
import { paypal } from "./provider.ts";

const SLOW_MS = 300;
const { clientId, clientSecret } = paypal.sandboxConfig;

/** Judges tokens, orders, refunds and reports as https://developer.paypal.com/docs/api/ describes them. */
export const paypalSandbox: Sandbox = {
  provider: paypal.name,
  start: (options) =>
    httpSandbox({
      provider: paypal.name,
      config: paypal.sandboxConfig,
      answer: createFake(),
      refusal: (status) => problem(faults[status] ?? "INTERNAL_SERVER_ERROR"),
    }).start(options),
};

const faults: Readonly<Record<number, string>> = {
  429: "RATE_LIMIT_REACHED",
  500: "INTERNAL_SERVER_ERROR",
  503: "SERVICE_UNAVAILABLE",
};

const vaultId = z.string().regex(/^[0-9a-zA-Z_-]{1,255}$/u);
const amount = z.object({
  currency_code: z.string().length(3),
  value: z.string().regex(/^(?:[1-9]\d*|\d+\.\d{2})$/u),
});

const orderRequest = z.object({
  intent: z.literal("CAPTURE"),
  purchase_units: z
    .array(
      z.object({
        amount,
        description: z.string().min(1).max(127).optional(),
        custom_id: z.string().min(1).max(127).optional(),
        invoice_id: z.string().min(1).max(127).optional(),
      }),
    )
    .length(1),
  payment_source: z.union([
    z.strictObject({ paypal: z.object({ vault_id: vaultId }) }),
    z.strictObject({
      card: z.object({
        vault_id: vaultId,
        stored_credential: z.object({
          payment_initiator: z.literal("MERCHANT"),
          payment_type: z.enum(["UNSCHEDULED", "RECURRING"]),
          usage: z.enum(["SUBSEQUENT", "DERIVED"]),
        }),
      }),
    }),
    z.strictObject({ token: z.object({ id: vaultId, type: z.literal("BILLING_AGREEMENT") }) }),
  ]),
});

const refundRequest = z.object({
  amount,
  custom_id: z.string().min(1).max(127).optional(),
  invoice_id: z.string().min(1).max(127).optional(),
  note_to_payer: z.string().min(1).max(255).optional(),
});

interface Capture {
  readonly id: string;
  readonly amount: z.output<typeof amount>;
  readonly isSlow: boolean;
  refundedMinor: number;
}

/** A row of the report. */
interface Row {
  readonly at: number;
  readonly info: Readonly<Record<string, unknown>>;
}

function createFake(): (request: FakeRequest) => FakeAnswer | Promise<FakeAnswer> {
  const keyed = createKeyedAnswers();
  const tokens = new Set<string>();
  const captures = new Map<string, Capture>();
  const invoices = new Set<string>();
  const rows: Row[] = [];

  return ({ method, path, query, headers, body }) => {
    if (method === "POST" && path === "/v1/oauth2/token") return giveToken(headers.authorization, body);
    const [, token = ""] = /^Bearer (.+)$/u.exec(headers.authorization ?? "") ?? [];
    if (!tokens.has(token)) return { status: 401, body: problem("AUTHENTICATION_FAILURE") };
    const key = headers["paypal-request-id"];
    const said = json(body);
    if (method === "POST" && path === "/v2/checkout/orders") {
      const parsed = orderRequest.safeParse(said);
      if (!parsed.success) return invalid(parsed.error);
      if (typeof key !== "string") return refuse(400, "INVALID_REQUEST", "PAYPAL_REQUEST_ID_REQUIRED");
      return once(`orders ${key}`, () => createOrder(parsed.data));
    }
    const [, captureId] = /^\/v2\/payments\/captures\/([^/]+)\/refund$/u.exec(path) ?? [];
    if (method === "POST" && captureId !== undefined) {
      const parsed = refundRequest.safeParse(said);
      if (!parsed.success) return invalid(parsed.error);
      const serve = () => giveBack(decodeURIComponent(captureId), parsed.data);
      // Without a key PayPal does what it is asked each time.
      return typeof key === "string" ? once(`refunds ${key}`, serve) : serve();
    }
    if (method === "GET" && path === "/v1/reporting/transactions") return report(query);
    return refuse(404, "RESOURCE_NOT_FOUND", "INVALID_RESOURCE_ID");
  };

  function giveToken(authorization: string | undefined, body: Buffer): FakeAnswer {
    const basic = Buffer.from(`${clientId}:${clientSecret}`).toString("base64");
    if (authorization !== `Basic ${basic}`)
      return {
        status: 401,
        body: { error: "invalid_client", error_description: "Client Authentication failed" },
      };
    if (new URLSearchParams(body.toString()).get("grant_type") !== "client_credentials")
      return { status: 400, body: { error: "unsupported_grant_type" } };
    const token = `A21AA-understudy-${randomBytes(16).toString("hex")}`;
    tokens.add(token);
    return { status: 200, body: { access_token: token, token_type: "Bearer", expires_in: 32_400 } };
  }

  /** PayPal does not compare: a used id is answered with what it did the first time, as 200. */
  async function once(key: string, serve: () => Promise<FakeAnswer>): Promise<FakeAnswer> {
    if (key.length > "refunds ".length + 108)
      return refuse(400, "INVALID_REQUEST", "INVALID_STRING_LENGTH", "PayPal-Request-Id");
    const answer = await keyed.serve(key, "", {
      serve,
      conflict: () => refuse(422, "UNPROCESSABLE_ENTITY", "DUPLICATE_REQUEST_ID"),
      inProgress: () => refuse(409, "RESOURCE_CONFLICT", "PREVIOUS_REQUEST_IN_PROGRESS"),
      isKept: ({ status }) => status === 201,
    });
    return answer.isReplay === true ? { ...answer, status: 200 } : answer;
  }

  async function createOrder({
    purchase_units,
    payment_source,
  }: z.output<typeof orderRequest>): Promise<FakeAnswer> {
    const [unit] = purchase_units;
    if (unit === undefined) return refuse(400, "INVALID_REQUEST", "MISSING_REQUIRED_PARAMETER");
    const token = tokenIn(payment_source);
    const minor = minorOf(unit.amount);
    if (minor === undefined) return refuse(422, "UNPROCESSABLE_ENTITY", "DECIMAL_PRECISION", "amount");
    const fate = fateOfToken(token);
    if (fate === "missing") return refuse(422, "UNPROCESSABLE_ENTITY", "TOKEN_ID_NOT_FOUND");
    if (fate === "declined") return refuse(422, "UNPROCESSABLE_ENTITY", "INSTRUMENT_DECLINED");
    if (unit.invoice_id !== undefined && invoices.has(unit.invoice_id))
      return refuse(422, "UNPROCESSABLE_ENTITY", "DUPLICATE_INVOICE_ID");
    if (token.includes("slow")) await sleep(SLOW_MS, undefined, { ref: false });
    const id = newId();
    if (fate === "needs_action") {
      const href = `https://www.paypal.com/checkoutnow?token=${id}`;
      return {
        status: 201,
        body: { id, status: "PAYER_ACTION_REQUIRED", links: [{ href, rel: "payer-action" }] },
      };
    }
    const capture: Capture = {
      id: newId(),
      amount: unit.amount,
      isSlow: token.includes("slow"),
      refundedMinor: 0,
    };
    captures.set(capture.id, capture);
    if (unit.invoice_id !== undefined) invoices.add(unit.invoice_id);
    note("T0006", capture.id, unit.amount, unit);
    const { custom_id, invoice_id } = unit;
    const taken = {
      id: capture.id,
      status: "COMPLETED",
      amount: unit.amount,
      custom_id,
      invoice_id,
      final_capture: true,
    };
    return {
      status: 201,
      body: {
        id,
        intent: "CAPTURE",
        status: "COMPLETED",
        purchase_units: [{ reference_id: "default", amount: unit.amount, payments: { captures: [taken] } }],
      },
      effect: { jobId: custom_id, money: "charge", amountMinor: minor },
    };
  }

  async function giveBack(captureId: string, asked: z.output<typeof refundRequest>): Promise<FakeAnswer> {
    const capture = captures.get(captureId);
    if (capture === undefined) return refuse(404, "RESOURCE_NOT_FOUND", "INVALID_RESOURCE_ID");
    if (capture.isSlow) await sleep(SLOW_MS, undefined, { ref: false });
    if (asked.amount.currency_code !== capture.amount.currency_code)
      return refuse(422, "UNPROCESSABLE_ENTITY", "REFUND_CAPTURE_CURRENCY_MISMATCH");
    const minor = minorOf(asked.amount);
    const left = (minorOf(capture.amount) ?? 0) - capture.refundedMinor;
    if (minor === undefined) return refuse(422, "UNPROCESSABLE_ENTITY", "DECIMAL_PRECISION", "amount");
    if (left === 0) return refuse(422, "UNPROCESSABLE_ENTITY", "CAPTURE_FULLY_REFUNDED");
    if (minor > left) return refuse(422, "UNPROCESSABLE_ENTITY", "REFUND_AMOUNT_EXCEEDED");
    capture.refundedMinor += minor;
    const id = newId();
    note("T1107", id, { ...asked.amount, value: `-${asked.amount.value}` }, asked, captureId);
    return {
      status: 201,
      body: { id, status: "COMPLETED", amount: asked.amount, custom_id: asked.custom_id },
      effect: { jobId: asked.custom_id, money: "refund", amountMinor: minor },
    };
  }

  function note(
    code: string,
    id: string,
    transaction_amount: z.output<typeof amount>,
    { custom_id, invoice_id }: { custom_id?: string | undefined; invoice_id?: string | undefined },
    reference?: string,
  ): void {
    const info = {
      transaction_id: id,
      ...(reference !== undefined && { paypal_reference_id: reference, paypal_reference_id_type: "TXN" }),
      transaction_event_code: code,
      transaction_status: "S",
      transaction_amount,
      invoice_id,
      custom_field: custom_id,
    };
    rows.push({ at: Date.now(), info });
  }

  /** Oldest first, and without the hours that the real one is late. */
  function report(query: URLSearchParams): FakeAnswer {
    const from = Date.parse(query.get("start_date") ?? "");
    const to = Date.parse(query.get("end_date") ?? "");
    if (Number.isNaN(from) || Number.isNaN(to) || to - from > 31 * 86_400_000)
      return refuse(400, "INVALID_REQUEST", "INVALID_PARAMETER_VALUE", "start_date");
    const found = rows.filter(({ at }) => at >= from && at <= to);
    const size = Number(query.get("page_size") ?? 100);
    const page = Number(query.get("page") ?? 1);
    return {
      status: 200,
      body: {
        transaction_details: found
          .slice((page - 1) * size, page * size)
          .map(({ info }) => ({ transaction_info: info })),
        // Here the books never lag.
        last_refreshed_datetime: new Date(Date.now() + 86_400_000).toISOString(),
        page,
        total_items: found.length,
        total_pages: Math.ceil(found.length / size),
      },
    };
  }
}

function tokenIn(source: z.output<typeof orderRequest>["payment_source"]): string {
  if ("paypal" in source) return source.paypal.vault_id;
  return "card" in source ? source.card.vault_id : source.token.id;
}

/** https://developer.paypal.com/api/rest/reference/currency-codes/: three have no decimals. */
function minorOf({ currency_code, value }: z.output<typeof amount>): number | undefined {
  const isWhole = !value.includes(".");
  if (currency_code === "JPY") return isWhole ? Number(value) : undefined;
  if (currency_code === "HUF" || currency_code === "TWD") return isWhole ? Number(value) * 100 : undefined;
  return Math.round(Number(value) * 100);
}

function invalid(error: z.ZodError): FakeAnswer {
  const [issue] = error.issues;
  return refuse(400, "INVALID_REQUEST", "INVALID_PARAMETER_SYNTAX", issue?.path.join("/"));
}

function refuse(status: number, name: string, issue: string, field?: string): FakeAnswer {
  return { status, body: { ...problem(name), details: [{ issue, ...(field !== undefined && { field }) }] } };
}

function problem(name: string): object {
  return { name, message: `The fake says ${name}.`, debug_id: randomBytes(7).toString("hex").slice(0, 13) };
}

function newId(): string {
  return randomBytes(9).toString("hex").slice(0, 17).toUpperCase();
}

function json(body: Buffer): unknown {
  try {
    return JSON.parse(body.toString());
  } catch {
    return undefined;
  }
}
