import type { Outcome, Past, Trail } from "@understudy/core";
import { html } from "ghtml";

import { count, duration, moment, pill } from "./format.ts";

const tones: Readonly<Record<Outcome["kind"], "bad" | "warn" | "good" | "plain">> = {
  delivered: "good",
  rejected: "bad",
  unavailable: "bad",
  throttled: "warn",
  withheld: "plain",
  ambiguous: "warn",
};

const verbs: Readonly<Record<Past["did"], string>> = {
  redriven: "redriven",
  looked_up: "looked up",
  released: "released",
  edited: "edited",
};

/** All calls over all lives, and what people did in between, in the order in which it happened. */
export function timeline(
  trail: Trail,
  past: readonly Past[],
  end?: { readonly at: number; readonly words: string },
): string {
  const lines = [
    ...trail.map((outcome) => ({ at: outcome.at, line: callLine(outcome) })),
    ...past.map((one) => ({ at: one.at, line: pastLine(one) })),
    ...(end === undefined ? [] : [{ at: end.at, line: endLine(end) }]),
  ].toSorted((one, other) => one.at - other.at);
  if (lines.length === 0) return html`<p class="empty">No provider was ever asked.</p>`;
  const heads = ["When (UTC)", "Provider", "Outcome", "Took", "Code", "Request id", "Detail"];
  return html`<table class="cards trail">
    <thead>
      <tr>
        !${heads.map((head) => html`<th scope="col">${head}</th>`)}
      </tr>
    </thead>
    <tbody>
      !${lines.map(({ line }) => line)}
    </tbody>
  </table>`;
}

function callLine(outcome: Outcome): string {
  const { provider, kind, at, durationMs, requestId, lookUp, provesNone, count: times = 1 } = outcome;
  const code = outcome.kind === "delivered" ? undefined : outcome.code;
  const detail =
    outcome.kind === "delivered"
      ? outcome.final
        ? ""
        : "accepted; the provider tells later"
      : (outcome.detail ?? "");
  return html`<tr data-row>
    <td data-label="When">!${moment(at)}</td>
    <th scope="row" data-label="Provider">
      ${provider}!${lookUp === true ? html` <small>look-up</small>` : ""}
    </th>
    <td data-label="Outcome">
      !${pill(kind, tones[kind])}!${times > 1 ? html` <small>${count(times)}×</small>` : ""}!${provesNone === true ? html` <small class="good">proves: no effect</small>` : ""}
    </td>
    <td data-label="Took" class="number">${duration(durationMs)}</td>
    <td data-label="Code">!${code === undefined ? "" : html`<code>${code}</code>`}</td>
    <td data-label="Request id">
      !${requestId === undefined ? "" : html`<code class="wrap">${requestId}</code>`}
    </td>
    <td data-label="Detail" class="reason">${detail}</td>
  </tr>`;
}

function pastLine({ did, at, by, reason, provider, paths, ended }: Past): string {
  const to = provider === undefined ? "" : ` to ${provider}`;
  const what = paths === undefined || paths.length === 0 ? "" : ` (${paths.join(", ")})`;
  return html`<tr class="event" data-row>
    <td data-label="When">!${moment(at)}</td>
    <td colspan="6">
      <strong>${verbs[did]}${to}${what}</strong> by ${by}: “${reason}”
      <small>after it had ended ${ended.cause}!${ended.effect === "maybe" ? ", effect unknown" : ""}</small>
    </td>
  </tr>`;
}

function endLine({ at, words }: { readonly at: number; readonly words: string }): string {
  return html`<tr class="event end" data-row>
    <td data-label="When">!${moment(at)}</td>
    <td colspan="6"><strong>${words}</strong></td>
  </tr>`;
}
