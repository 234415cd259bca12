import { expect, test } from "vitest";

import { tableLines } from "../table.ts";
import { historyColumns, historyLines } from "./history.ts";

const at = Date.parse("2026-11-24T03:00:00Z");

test("a line says what became of what, why, and by whom", () => {
  const circuit = {
    what: "circuit",
    provider: "sendgrid",
    capability: "email.send",
    by: "ops-1:7",
    at,
  } as const;
  const lines = historyLines([
    { ...circuit, from: "half_open", to: "half_open", share: 0.05, reason: "recovering" },
    { ...circuit, from: "open", to: "half_open", share: 0, reason: "failure_rate" },
    { ...circuit, from: "closed", to: "open", reason: "failure_rate" },
    {
      what: "directive",
      provider: "mailgun",
      verb: "isolate",
      reason: "drops\u001B[2J",
      by: "ada",
      at,
      until: at + 3_600_000,
    },
  ]);
  expect(lines.map(({ subject, what }) => `${subject} ${what}`)).toEqual([
    "sendgrid email.send half open 5 %",
    "sendgrid email.send open -> half open",
    "sendgrid email.send closed -> open",
    "mailgun isolate until 2026-11-24 04:00:00Z",
  ]);
  const table = tableLines(historyColumns(at + 60_000), lines, 80).join("\n");
  expect(table).not.toContain("\u001B");
  expect(table).toContain("1 min");
});
