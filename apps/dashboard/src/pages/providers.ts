import {
  type CapabilityView,
  type Directive,
  may,
  type ProviderView,
  type Role,
  verbs,
} from "@understudy/operator";
import { html } from "ghtml";

import { count, counted, dash, duration, figure, percent, pill, when } from "./format.ts";

type Row = CapabilityView & Pick<ProviderView, "provider" | "lastError">;

const heads = ["Provider", "State", "Traffic", "Calls", "Errors", "Unknown", "Slow", "p50 · p95 · p99", ""];

/** A group of lines for each capability, in the order of its route. */
export function providerTable(providers: readonly ProviderView[], role: Role): string {
  const rows = providers.flatMap(({ provider, lastError, capabilities }) =>
    capabilities.map((view): Row => ({ ...view, provider, ...(lastError && { lastError }) })),
  );
  const unknown = unknownOf(providers, role);
  if (rows.length === 0)
    return html`<p class="empty">
        No worker has told of a provider yet. They show up here as soon as a worker starts.
      </p>
      !${unknown}`;
  const capabilities = [...new Set(rows.map(({ capability }) => capability))].toSorted();
  return html`<table class="cards figures providers">
      <caption>
        Of the last ${duration(providers[0]?.windowMs ?? 0)}, over all workers
      </caption>
      <thead>
        <tr>
          !${heads.map((head) => html`<th scope="col">!${head === "" ? html`<span class="visually-hidden">Actions</span>` : head}</th>`)}
        </tr>
      </thead>
      !${capabilities.map((capability) => groupOf(capability, rows, role))}
    </table>
    !${unknown}`;
}

/** Of those that nobody has on a route any more, what was said still stands. */
function unknownOf(providers: readonly ProviderView[], role: Role): string {
  return providers
    .flatMap(({ directive }) => directive ?? [])
    .map((directive) => {
      const { provider } = directive;
      const restore = html`<a class="button quiet" href="/providers/${encodeURIComponent(provider)}/restore"
        >Restore<span class="visually-hidden"> ${provider}</span></a
      >`;
      return html`<p class="note">
        ${provider} is on no route now. !${directiveOf(directive)}
        !${may(role, "restore", false) ? restore : ""}
      </p>`;
    })
    .join("");
}

function groupOf(capability: string, all: readonly Row[], role: Role): string {
  const rows = all
    .filter((row) => row.capability === capability)
    .toSorted((one, other) => (one.place ?? Infinity) - (other.place ?? Infinity) || 0);
  const [first] = rows;
  const kind = first?.isSink === true ? html` <small>each gets a copy of its own</small>` : "";
  return html`<tbody>
    <tr class="group">
      <th scope="rowgroup" colspan="${heads.length}">
        ${capability} !${first?.isMoney === true ? pill("money") : ""}!${kind}
      </th>
    </tr>
    !${rows.map((row) => rowOf(row, role, unprovenOf(row, rows)))}
  </tbody>`;
}

function rowOf(row: Row, role: Role, unproven: string): string {
  const { latency } = row;
  const rate = (share: number, badFrom: number): string => (row.calls === 0 ? dash : percent(share, badFrom));
  return html`<tr data-row class="${row.calls + row.withheld === 0 ? "idle" : "busy"}">
    <th scope="row">${row.provider} !${placeOf(row)} !${unproven}</th>
    <td data-label="State" class="state">!${stateOf(row)}</td>
    <td data-label="Traffic">!${row.calls === 0 ? dash : percent(row.trafficShare)}</td>
    <td data-label="Calls">!${figure(row.calls)}!${heldBack(row)}</td>
    <td data-label="Errors">!${rate(row.errorRate, 0.05)}</td>
    <td data-label="Unknown">!${rate(row.unknownRate, 0.05)}</td>
    <td data-label="Slow">!${rate(row.slowRate, 0.2)}</td>
    <td data-label="p50 · 95 · 99" class="wide">
      !${latency === undefined ? dash : html`${milliseconds(latency.p50)} · ${milliseconds(latency.p95)} · ${milliseconds(latency.p99)}`}
    </td>
    <td class="actions">!${actionsOf(row, role)}</td>
  </tr>`;
}

function placeOf({ place, isSink }: Row): string {
  if (place === undefined) return html`<small>on no route now</small>`;
  return isSink ? "" : html`<small>${place === 1 ? "first choice" : `backup ${place - 1}`}</small>`;
}

const PROVEN_MS = 86_400_000;

/** A backup that has not delivered for a day, while another has: nobody knows whether it would. */
function unprovenOf(row: Row, rows: readonly Row[]): string {
  const isProven = ({ provenAt = 0 }: Row): boolean => Date.now() - provenAt <= PROVEN_MS;
  const isBackup = !row.isSink && (row.place ?? 1) > 1;
  return isBackup && !isProven(row) && rows.some(isProven) ? pill("unproven", "warn") : "";
}

/** What was not sent, or sent back to wait. */
function heldBack({ throttled, withheld }: Row): string {
  const words = [
    ...(throttled > 0 ? [`${count(throttled)} throttled`] : []),
    ...(withheld > 0 ? [`${count(withheld)} withheld`] : []),
  ];
  return words.length === 0 ? "" : html` <small>${words.join(", ")}</small>`;
}

const states = {
  closed: { words: "closed", tone: "good" },
  half_open: { words: "half open", tone: "warn" },
  open: { words: "open", tone: "bad" },
  isolated: { words: "isolated", tone: "bad" },
} as const;

function stateOf(row: Row): string {
  const { state, reason, since, directive, openOnWorkers, workers, lastError, errorRate } = row;
  const { words, tone } = states[state.at];
  const share = state.at === "half_open" && state.share > 0 ? ` ${Math.round(100 * state.share)} %` : "";
  // An isolation is told of with the word that made it.
  const why = since === 0 || state.at === "isolated" ? "" : html`<small>${reason} · !${when(since)}</small>`;
  const alone =
    openOnWorkers === 0
      ? ""
      : html`<small class="warn">open on ${count(openOnWorkers)} of ${counted(workers, "worker")}</small>`;
  return html`!${pill(words + share, tone)} !${why} !${alone}
  !${errorRate === 0 || lastError === undefined ? "" : lastErrorOf(row.provider, lastError)}
  !${directive === undefined ? "" : directiveOf(directive)}`;
}

function lastErrorOf(provider: string, { code, at }: NonNullable<Row["lastError"]>): string {
  const letters = `/dead-letters?provider=${encodeURIComponent(provider)}&code=${encodeURIComponent(code)}`;
  return html`<small class="line"
    >last error <a href="${letters}"><code>${code}</code></a> !${when(at)}</small
  >`;
}

function directiveOf({ verb, by, reason, until, since }: Directive): string {
  const end = until === undefined ? html`no end` : html`ends !${when(until)}`;
  return html`<span class="line"
    >!${pill(verb, "warn")} <small>by ${by}, !${when(since)}, !${end}: ${reason}</small></span
  >`;
}

/** The words that would change something; for those who may say them. */
function actionsOf({ provider, capability, isMoney, directive, place }: Row, role: Role): string {
  const said = directive?.verb;
  const sayable = place === undefined ? [] : verbs.filter((verb) => verb !== said);
  const all = [...sayable, ...(said === undefined ? [] : (["restore"] as const))];
  const links = all
    .filter((verb) => may(role, verb, isMoney))
    .map(
      (verb) =>
        html`<a
          class="button quiet"
          href="/providers/${encodeURIComponent(provider)}/${verb}?capability=${encodeURIComponent(capability)}"
          >${labels[verb]}<span class="visually-hidden"> ${provider} for ${capability}</span></a
        >`,
    );
  return links.join(" ");
}

export const labels = { divert: "Divert", prefer: "Prefer", isolate: "Isolate", restore: "Restore" } as const;

function milliseconds(ms: number): string {
  return ms < 1000 ? `${ms} ms` : `${(ms / 1000).toFixed(ms < 10_000 ? 1 : 0)} s`;
}
