import type { CapabilityView, ProviderView, QueueView } from "@understudy/operator";
import { html } from "ghtml";

import { count, counted } from "./format.ts";

/** What somebody who was woken wants to know first; each a line, the worst first. */
export function sentenceOf(queues: readonly QueueView[], providers: readonly ProviderView[]): string {
  const views = providers.flatMap(({ capabilities }) => capabilities);
  const troubles = [...troublesOf(views), ...queueTroubles(queues)];
  const unknown = views.reduce((sum, { unknownRate, calls }) => sum + Math.round(unknownRate * calls), 0);
  const failed = queues.reduce((sum, queue) => sum + queue.failed, 0);
  const dead = queues.reduce((sum, queue) => sum + queue.dead, 0);
  const facts = [
    ...(troubles.length + failed + unknown === 0
      ? [html`<span class="good">All circuits closed, every queue served.</span>`]
      : []),
    ...(failed > 0
      ? [html`<strong class="warn">${count(failed)} failed without a dead letter yet.</strong>`]
      : []),
    ...(unknown > 0
      ? [html`<strong class="warn">${counted(unknown, "call")} of unknown effect.</strong>`]
      : []),
    dead > 0
      ? html`<a href="/dead-letters">${counted(dead, "dead letter")}</a>.`
      : html`<span class="good">No dead letters.</span>`,
  ];
  return [...troubles, facts.join(" ")].map((line) => html`<p>!${line}</p>`).join("");
}

function troublesOf(views: readonly CapabilityView[]): readonly string[] {
  return views
    .flatMap((view) => (view.sentence === undefined ? [] : [{ sentence: view.sentence, tone: toneOf(view) }]))
    .toSorted((one, other) => one.tone.localeCompare(other.tone))
    .map(({ sentence, tone }) => html`<strong class="${tone}">${sentence}</strong>`);
}

/** What a person has done on purpose is less of an alarm than what happened by itself. */
function toneOf({ state, place, openOnWorkers, workers }: CapabilityView): "bad" | "warn" {
  const isOpen = state.at === "open" || (openOnWorkers > 0 && openOnWorkers >= workers);
  return isOpen && place !== undefined ? "bad" : "warn";
}

function queueTroubles(queues: readonly QueueView[]): readonly string[] {
  return queues
    .filter(({ workers, waiting }) => workers === 0 && waiting > 0)
    .map(
      ({ name, waiting }) =>
        html`<strong class="bad">${name}: ${count(waiting)} waiting and no worker.</strong>`,
    );
}
