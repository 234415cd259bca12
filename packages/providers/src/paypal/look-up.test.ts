import { chargeRequest, refundRequest } from "@understudy/core";
import { misbehaving, type Misbehaving } from "@understudy/testkit";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";

import { charge } from "./charge.ts";
import { paypal } from "./provider.ts";
import { refund } from "./refund.ts";
import { prelude } from "./testing/prelude.ts";

const hour = 3_600_000;
const now = Date.parse("2026-11-24T12:00:00Z");
const call = {
  jobId: "order-7",
  idempotencyKey: "k",
  signal: new AbortController().signal,
  sentAfter: now - 5 * hour,
  endedAt: now - 5 * hour,
};

let server: Misbehaving;
beforeEach(async () => {
  vi.useFakeTimers({ now, toFake: ["Date"] });
  server = await misbehaving(undefined, prelude);
});
afterEach(async () => {
  vi.useRealTimers();
  await server[Symbol.asyncDispose]();
});

const row = (more: object) => ({
  transaction_id: "C1",
  transaction_event_code: "T0006",
  transaction_status: "S",
  transaction_amount: { currency_code: "EUR", value: "10.50" },
  custom_field: "order-7",
  ...more,
});
const reports = (rows: readonly object[], more: object = {}): void =>
  server.behave({
    does: "answer",
    status: 200,
    body: JSON.stringify({
      transaction_details: rows.map((transaction_info) => ({ transaction_info })),
      total_pages: 1,
      last_refreshed_datetime: new Date(now - hour).toISOString(),
      ...more,
    }),
  });
const config = () => paypal.config.parse({ ...paypal.sandboxConfig, baseUrl: server.url });
const asked = () =>
  server.requests.map(({ path }) => Object.fromEntries(new URL(path, server.url).searchParams));

describe("of a charge", () => {
  const request = chargeRequest.parse({
    amountMinor: 1050,
    currency: "EUR",
    paymentMethod: { paypal: "8kk8451t" },
  });
  const lookUp = (more: object = {}) => charge.lookUp!.create(config())(request, { ...call, ...more });

  test("it reads the account's report since the first call, pending payments too", async () => {
    reports([row({ custom_field: "another" }), row({ transaction_id: "C2" })]);
    expect(await lookUp()).toMatchObject({
      kind: "delivered",
      provider: "paypal",
      externalId: "C2",
      receipt: { status: "captured", chargeId: "C2", amountMinor: 1050, currency: "EUR" },
    });
    expect(server.requests[0]).toMatchObject({ method: "GET", body: "" });
    expect(asked()).toEqual([
      {
        start_date: "2026-11-24T06:55:00.000Z",
        end_date: "2026-11-24T12:00:00.000Z",
        fields: "transaction_info",
        balance_affecting_records_only: "N",
        page_size: "500",
        page: "1",
      },
    ]);
  });

  test("it reads every page, and more than 31 days in parts", async () => {
    reports([], { total_pages: 2 });
    expect(await lookUp({ sentAfter: now - 40 * 24 * hour })).toBe("not_found");
    expect(asked().map(({ start_date, end_date, page }) => [start_date, end_date, page])).toEqual([
      ["2026-10-15T11:55:00.000Z", "2026-11-15T11:55:00.000Z", "1"],
      ["2026-10-15T11:55:00.000Z", "2026-11-15T11:55:00.000Z", "2"],
      ["2026-11-15T11:55:00.000Z", "2026-11-24T12:00:00.000Z", "1"],
      ["2026-11-15T11:55:00.000Z", "2026-11-24T12:00:00.000Z", "2"],
    ]);
  });

  test.each([
    ["S", { status: "captured" }],
    ["V", { status: "captured" }],
    ["P", { status: "pending" }],
    ["D", { status: "declined" }],
  ])("a payment of status %s is an answer", async (transaction_status, receipt) => {
    reports([row({ transaction_status, custom_field: undefined, invoice_id: "order-7" })]);
    expect(await lookUp()).toMatchObject({ kind: "delivered", receipt });
  });

  test("its id on something that is no payment proves nothing", async () => {
    reports([row({ transaction_event_code: "T1503" })]);
    expect(await lookUp()).toBe("cannot_tell");
    reports([row({ transaction_status: "?" })]);
    expect(await lookUp()).toBe("cannot_tell");
  });

  test("a report comes hours late: not finding counts after four, and only if it was written since", async () => {
    expect(charge.lookUp?.trustNotFoundAfterMs).toBe(4 * hour);
    reports([]);
    expect(await lookUp()).toBe("not_found");
    const notReady = { kind: "unavailable", code: "report_not_ready" };
    reports([], { last_refreshed_datetime: new Date(now - 2 * hour - 1000).toISOString() });
    expect(await lookUp()).toMatchObject(notReady);
    reports([], { last_refreshed_datetime: undefined });
    expect(await lookUp()).toMatchObject(notReady);
  });

  test("a row of ours that cannot be read proves nothing", async () => {
    reports([row({ transaction_amount: { currency_code: "EUR", value: "ten" } })]);
    expect(await lookUp()).toBe("cannot_tell");
    reports([row({ transaction_status: undefined })]);
    expect(await lookUp()).toBe("cannot_tell");
    reports([{ invoice_id: "order-7" }]);
    expect(await lookUp()).toBe("cannot_tell");
  });

  test("a report that does not say how long it is, is none", async () => {
    reports([], { total_pages: undefined });
    expect(await lookUp()).toMatchObject({ kind: "ambiguous", code: "malformed_answer" });
  });

  test.each([
    [403, { name: "NOT_AUTHORIZED" }, { kind: "unavailable", code: "forbidden" }],
    [
      400,
      { name: "INVALID_REQUEST", message: "Data for the given start date is not available." },
      { kind: "unavailable", code: "report_not_ready" },
    ],
    [200, { page: 1 }, { kind: "ambiguous", code: "malformed_answer" }],
  ])("%d %j is a failure, and no answer", async (status, body, failure) => {
    server.behave({ does: "answer", status, body: JSON.stringify(body) });
    expect(await lookUp()).toMatchObject(failure);
  });
});

describe("of a refund", () => {
  const request = refundRequest.parse({
    provider: "paypal",
    chargeId: "C1",
    amountMinor: 50,
    currency: "EUR",
  });
  const lookUp = () => refund.lookUp!.create(config())(request, call);
  const given = (more: object) =>
    row({
      transaction_id: "R1",
      paypal_reference_id: "C1",
      transaction_event_code: "T1107",
      transaction_amount: { currency_code: "EUR", value: "-0.50" },
      ...more,
    });

  test("one of the charge with the job's id is its own", async () => {
    reports([given({})]);
    expect(await lookUp()).toMatchObject({
      externalId: "R1",
      receipt: { status: "refunded", amountMinor: 50, currency: "EUR" },
    });
  });

  test("one of the same amount without the job's id may be it all the same", async () => {
    reports([given({ custom_field: "the-charge" })]);
    expect(await lookUp()).toBe("cannot_tell");
    reports([
      given({
        custom_field: "the-charge",
        transaction_amount: { currency_code: "EUR", value: "-0.60" },
      }),
      given({ custom_field: "the-charge", paypal_reference_id: "C2" }),
      row({ transaction_id: "C1" }),
    ]);
    expect(await lookUp()).toBe("not_found");
  });

  test("its id on a refund of another charge proves nothing", async () => {
    reports([given({ paypal_reference_id: "C2" })]);
    expect(await lookUp()).toBe("cannot_tell");
  });
});
