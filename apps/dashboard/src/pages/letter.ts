import type { LetterView } from "@understudy/operator";
import type { FastifyInstance } from "fastify";
import { html } from "ghtml";
import * as z from "zod";

import type { Session } from "../sign-in/sessions.ts";
import { cliBlock, letterCommand } from "./cli.ts";
import { count, moment, pill, when } from "./format.ts";
import { layout } from "./layout.ts";
import { labels, type LetterAction, letterActions, objection, refusal } from "./letter-actions.ts";
import { causePill, effectPill } from "./letters.ts";
import { type PageParts, sessionOf } from "./parts.ts";
import { timeline } from "./trail.ts";
import { wordsPage } from "./words.ts";

export const idParams = z.object({ id: z.string().min(1).max(300) });

export function addLetter(app: FastifyInstance, parts: PageParts): void {
  app.get("/dead-letters/:id", async (request, reply) => {
    const session = sessionOf(request);
    const { id } = idParams.parse(request.params);
    const letter = await parts.operator.letter(id);
    reply.type("text/html; charset=utf-8");
    if (letter === undefined) return await reply.code(404).send(missingPage(id, session));
    return await reply.send(letterPage(letter, session));
  });
}

export function missingPage(id: string, session: Session): string {
  const words = `There is no dead letter ${id}: it was redriven or discarded meanwhile, or never was one.`;
  const way = { href: `/jobs/${encodeURIComponent(id)}`, words: "Where is the job now?" };
  return wordsPage({ status: 404, words, session, way });
}

function letterPage(letter: LetterView, session: Session): string {
  const main = html`<p class="back"><a href="/dead-letters">Dead letters</a></p>
    <h1 class="id">${letter.id}</h1>
    <p class="sentence">
      !${causePill(letter.cause)} !${effectPill(letter.effect)} !${letter.isMoney ? pill("money") : ""}
      ${letter.sentence}
    </p>
    !${prospectBox(letter, session)}
    <section aria-labelledby="trail-title">
      <h2 id="trail-title">Trail, over all lives</h2>
      !${timeline(letter.trail, letter.past, { at: letter.diedAt, words: `dead letter: ${letter.cause}` })}
    </section>
    !${facts(letter)} !${payload(letter)} !${lines("Job log", letter.log)}
    !${lines("Stack trace", letter.stacktrace)}
    <p>
      <a href="/board/queue/${encodeURIComponent(`${letter.queue}.dead`)}/${encodeURIComponent(letter.id)}"
        >On the board</a
      >
    </p>
    !${cliBlock(letterCommand("show", letter.id))}`;
  return layout({ title: letter.id, main, session, at: "/dead-letters" });
}

const tones = { safe: "good", possible_duplicate: "warn" } as const;

function prospectBox(letter: LetterView, { role }: Session): string {
  const { prospect } = letter;
  const tone = prospect.fate in tones ? tones[prospect.fate as keyof typeof tones] : "bad";
  const possible = letterActions.filter((action) => objection(action, letter) === undefined);
  const allowed = possible.filter((action) => refusal(action, role, letter.isMoney) === undefined);
  const refused = [...new Set(possible.flatMap((action) => refusal(action, role, letter.isMoney) ?? []))];
  return html`<section class="box ${tone}" aria-labelledby="prospect-title">
    <h2 id="prospect-title">What a redrive would do</h2>
    <p>
      <strong>${prospect.fate.replaceAll("_", " ")}</strong
      >!${prospect.isPastHorizon ? html` ${""}!${pill("past the horizon", "bad")}` : ""} ${prospect.sentence}
    </p>
    <div class="row">!${allowed.map((action) => actionLink(letter, action))}</div>
    !${refused.map((words) => html`<p class="note">${words}</p>`)}
  </section>`;
}

function actionLink({ id }: LetterView, action: LetterAction): string {
  const style = action === "redrive" ? "button primary" : action === "discard" ? "button danger" : "button";
  return html`<a class="${style}" href="/dead-letters/${encodeURIComponent(id)}/${action}"
    >${labels[action]}</a
  >`;
}

function facts(letter: LetterView): string {
  const { bound } = letter;
  const entries: readonly (readonly [string, string | undefined])[] = [
    ["Queue", html`${letter.queue}`],
    ["Job", html`${letter.job}`],
    ["Attempts in its last life", count(letter.attempts)],
    ["Redrives", count(letter.redrives)],
    ["Enqueued", letter.enqueuedAt === undefined ? undefined : when(letter.enqueuedAt)],
    ["First call", letter.firstCallAt === undefined ? undefined : moment(letter.firstCallAt)],
    ["Last call", letter.lastCallAt === undefined ? undefined : moment(letter.lastCallAt)],
    ["Died", html`!${moment(letter.diedAt)}, !${when(letter.diedAt)}`],
    [
      "Idempotency key",
      letter.idempotencyKey === undefined
        ? undefined
        : html`<code class="wrap">${letter.idempotencyKey}</code>`,
    ],
    ["Generation", letter.generation === undefined ? undefined : count(letter.generation)],
    [
      "Bound to",
      bound === undefined ? undefined : html`${bound.provider}, first sent !${moment(bound.firstSentAt)}`,
    ],
    [
      "Only these may serve it",
      letter.providers === undefined ? undefined : html`${letter.providers.join(", ")}`,
    ],
    [
      "Its like",
      html`<a href="/dead-letters?group=${encodeURIComponent(letter.group)}"
        >letters that died of the same</a
      >`,
    ],
    ["Reason as BullMQ has it", html`${letter.reason}`],
  ];
  const shown = entries.flatMap(([name, value]) =>
    value === undefined
      ? []
      : [
          html`<div>
            <dt>${name}</dt>
            <dd>!${value}</dd>
          </div>`,
        ],
  );
  return html`<section aria-labelledby="facts-title">
    <h2 id="facts-title">Facts</h2>
    <dl class="facts">!${shown}</dl>
  </section>`;
}

function payload({ payload, hidden }: LetterView): string {
  const note = hidden.length === 0 ? "" : html`<p class="note">Hidden: ${hidden.join(", ")}</p>`;
  const body =
    payload === undefined
      ? html`<p class="empty">It cannot be read.</p>`
      : html`<pre tabindex="0">${JSON.stringify(payload, undefined, 2)}</pre>`;
  return html`<section aria-labelledby="payload-title">
    <h2 id="payload-title">Payload</h2>
    !${body}!${note}
  </section>`;
}

function lines(title: string, all: readonly string[]): string {
  return all.length === 0
    ? ""
    : html`<details>
        <summary>${title} <small>${count(all.length)}</small></summary>
        <pre tabindex="0">${all.join("\n")}</pre>
      </details>`;
}
