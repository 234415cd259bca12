import { type BulkAction, type Fate, type Plan, roleFor, may, type Selection } from "@understudy/operator";
import type { FastifyInstance } from "fastify";
import { html } from "ghtml";
import * as z from "zod";

import type { Session } from "../sign-in/sessions.ts";
import { bulkCommand, cliBlock } from "./cli.ts";
import { filterFields, filterQuery, filterWords, parseFilter, type Query } from "./filter-query.ts";
import { count, counted, duration, pill, withCommands } from "./format.ts";
import { layout } from "./layout.ts";
import { labels } from "./letter-actions.ts";
import { actorOf, type PageParts, sessionOf } from "./parts.ts";
import { wordsPage } from "./words.ts";

const bulkActions = ["redrive", "look-up", "release", "discard"] as const satisfies readonly BulkAction[];
const one = z.union([z.string(), z.array(z.string())]);
const asked = z.object({
  id: one.optional(),
  action: z.enum(bulkActions).catch("redrive"),
  perSecond: z.coerce.number().min(0.1).max(1000).catch(10),
  // Another thing than `provider`, which is part of a filter: whom the letters' jobs had asked.
  to_provider: z.string().max(100).catch(""),
  typed: z.string().catch(""),
  reason: z.string().catch(""),
});
type Asked = z.output<typeof asked>;

const MAX_TICKED = 500;

export function addPlan(app: FastifyInstance, parts: PageParts): void {
  const { operator, runs } = parts;

  app.get("/dead-letters/plan", async (request, reply) => {
    const session = sessionOf(request);
    const what = asked.parse(request.query);
    const selection = selectionOf(request.query as Query, what);
    reply.type("text/html; charset=utf-8");
    if (typeof selection === "string")
      return await reply.code(400).send(wordsPage({ status: 400, words: selection, session, way: toList }));
    const plan = await operator.plan(selection, optionsOf(what));
    return await reply.send(planPage({ plan, selection, what, session, parts }));
  });

  app.post("/dead-letters/runs", async (request, reply) => {
    const session = sessionOf(request);
    const what = asked.parse(request.body);
    const selection = selectionOf(request.body as Query, what);
    reply.type("text/html; charset=utf-8");
    if (typeof selection === "string")
      return await reply.code(400).send(wordsPage({ status: 400, words: selection, session, way: toList }));
    // Whoever starts it has seen a plan; if there are others by now, they see a new one first.
    const plan = await operator.plan(selection, optionsOf(what));
    if (what.typed.replaceAll(/[\s,.]/gu, "") !== String(plan.total)) {
      const problem = `You typed ${what.typed === "" ? "nothing" : `“${what.typed}”`}, and there are ${count(plan.total)} now. Nothing was done.`;
      return await reply.code(409).send(planPage({ plan, selection, what, session, parts, problem }));
    }
    const { action, reason } = what;
    const run = await operator.start(
      { action, selection, expected: plan.total, ...optionsOf(what) },
      { by: actorOf(request), reason },
    );
    runs.drive(run.id);
    return await reply.redirect(`/dead-letters/runs/${encodeURIComponent(run.id)}`, 303);
  });
}

const toList = { href: "/dead-letters", words: "To the dead letters" } as const;

function optionsOf({ perSecond, to_provider: provider }: Asked): {
  readonly perSecond: number;
  readonly provider?: string;
} {
  return { perSecond, ...(provider === "" ? {} : { provider }) };
}

/** What is wrong with it, in words, when something is. */
function selectionOf(query: Query, { id }: Asked): Selection | string {
  const ids = [...new Set([id ?? []].flat().filter((one) => one !== ""))];
  if (ids.length > MAX_TICKED) return `At most ${MAX_TICKED} letters can be ticked; filter for more.`;
  if (ids.length > 0) return { ids };
  const { filter, problems } = parseFilter(query);
  return problems.length > 0 ? problems.join(" ") : { filter };
}

interface View {
  readonly plan: Plan;
  readonly selection: Selection;
  readonly what: Asked;
  readonly session: Session;
  readonly parts: PageParts;
  readonly problem?: string;
}

function planPage(view: View): string {
  const { plan, selection, what, session, problem } = view;
  const words =
    "ids" in selection ? counted(selection.ids.length, "ticked letter") : filterWords(selection.filter);
  const main = html`<p class="back">
      <a href="/dead-letters${"ids" in selection ? "" : filterQuery(selection.filter)}">Dead letters</a>
    </p>
    <h1>Plan</h1>
    <p class="sentence">
      <strong>${counted(plan.total, "letter")}</strong>: ${words}
      !${plan.money > 0 ? pill(`${count(plan.money)} money`, "warn") : ""}
    </p>
    !${problem === undefined ? "" : html`<p class="problem" role="alert">${problem}</p>`} !${fates(plan)}
    !${lookUpLink(view)} !${targets(plan)} !${advice(plan)} !${howForm(view)}
    !${plan.total === 0 ? "" : startForm(view)}
    !${cliBlock(bulkCommand("plan", selection, { perSecond: what.perSecond, provider: what.to_provider || undefined }))}`;
  return layout({ title: "Plan", main, session, at: "/dead-letters" });
}

const fateWords: Readonly<Record<Fate, readonly [string, "good" | "warn" | "bad"]>> = {
  safe: ["safe: no copy can come of it", "good"],
  possible_duplicate: ["one more copy may come of each", "warn"],
  needs_look_up: ["held: look up what became of the earlier call", "bad"],
  needs_release: ["held: only a person can find out, and release it", "bad"],
  invalid: ["today's schema refuses the payload: edit it", "bad"],
  unknown_job: ["a job that this program does not know", "bad"],
  unreadable: ["its data cannot be read", "bad"],
  unserved: ["the chosen provider does not serve it, or must not", "bad"],
};

function fates({ fates, total, pastHorizon }: Plan): string {
  const rows = Object.entries(fateWords).flatMap(([fate, [words, tone]]) => {
    const n = fates[fate as Fate];
    if (n === 0) return [];
    const horizon =
      fate.startsWith("needs_") && pastHorizon > 0
        ? html` <small>${count(pastHorizon)} held are past their provider's horizon</small>`
        : "";
    return [
      html`<tr>
        <td class="number ${tone}">${count(n)}</td>
        <th scope="row">${fate.replaceAll("_", " ")}</th>
        <td>${words}!${horizon}</td>
        <td class="bar">
          <progress
            class="${tone}"
            max="${total}"
            value="${n}"
            aria-label="share of ${fate.replaceAll("_", " ")}"
          ></progress>
        </td>
      </tr>`,
    ];
  });
  if (rows.length === 0) return html`<p class="empty">Nothing matches any more.</p>`;
  return html`<section aria-labelledby="fates-title">
    <h2 id="fates-title">What a redrive would do</h2>
    <table class="fates">
      <thead class="visually-hidden">
        <tr>
          <th scope="col">Letters</th>
          <th scope="col">Fate</th>
          <th scope="col">Meaning</th>
          <th scope="col">Share</th>
        </tr>
      </thead>
      <tbody>
        !${rows}
      </tbody>
    </table>
  </section>`;
}

/** What is held is what a look-up is for: one click to the plan of that. */
function lookUpLink({ plan, selection, what }: View): string {
  if (plan.fates.needs_look_up === 0 || what.action === "look-up" || "ids" in selection) return "";
  const href = `/dead-letters/plan${filterQuery({ ...selection.filter, effect: ["maybe"] }, { action: "look-up" })}`;
  return html`<p><a class="button" href="${href}">Look up those that are held</a></p>`;
}

function targets(plan: Plan): string {
  const entries = Object.entries(plan.targets);
  if (entries.length === 0) return "";
  const words = entries.map(
    ([provider, n]) =>
      html`<li>
        <strong>${provider === "unknown" ? "not known, as no worker has told its routes:" : provider}</strong>
        ${count(n)}
      </li>`,
  );
  const time = html`<li>${duration(plan.durationMs)} at ${String(plan.perSecond)} a second</li>`;
  return html`<section aria-labelledby="targets-title">
    <h2 id="targets-title">Where they would go first</h2>
    <ul class="inline">
      !${words}!${time}
    </ul>
  </section>`;
}

function advice({ advice }: Plan): string {
  if (advice.length === 0) return "";
  return html`<section aria-labelledby="advice-title">
    <h2 id="advice-title">To know and to do</h2>
    <ul>
      !${advice.map((words) => html`<li>!${withCommands(words)}</li>`)}
    </ul>
  </section>`;
}

function hidden(selection: Selection): string {
  const fields =
    "ids" in selection ? selection.ids.map((id) => ["id", id] as const) : filterFields(selection.filter);
  return fields
    .map(([name, value]) => html`<input type="hidden" name="${name}" value="${value}" />`)
    .join("");
}

function howForm({ selection, what, parts }: View): string {
  return html`<form class="row how" action="/dead-letters/plan">
    !${hidden(selection)}
    <label
      >Action<select name="action">
        !${bulkActions.map((action) => html`<option value="${action}" !${action === what.action ? " selected" : ""}>${action}</option>`)}
      </select></label
    >
    <label
      >A second<input
        name="perSecond"
        type="number"
        min="0.1"
        max="1000"
        step="any"
        value="${String(what.perSecond)}"
    /></label>
    <label
      >Only to<select name="to_provider">
        <option value="">those of the route</option>
        !${parts.providers.map(({ name }) => html`<option!${name === what.to_provider ? " selected" : ""}>${name}</option>`)}
      </select></label
    >
    <button>Plan again</button>
  </form>`;
}

const does: Readonly<Record<BulkAction, string>> = {
  redrive: "Those that are held or blocked stay dead letters; the rest get a new life, at this rate.",
  "look-up":
    "Workers ask the providers what became of those whose effect is unknown; the rest are left alone.",
  release:
    "You put your name to it that none of these had its effect. If you are wrong, the effects happen twice.",
  discard: "All of them are deleted for good, with payload and trail.",
};

function startForm({ plan, selection, what, session }: View): string {
  const { action, perSecond, to_provider: provider } = what;
  const isMoney = plan.money > 0;
  if (!may(session.role, action, isMoney))
    return html`<p class="note">
      To ${action}${isMoney ? " where money moves" : ""} asks for the role ${roleFor(action, isMoney)}; yours
      is ${session.role}.
    </p>`;
  return html`<section
    class="box ${action === "discard" || action === "release" ? "bad" : "plain"}"
    aria-labelledby="start-title"
  >
    <h2 id="start-title">Start: ${labels[action].toLowerCase()}</h2>
    <p>${does[action]} It can be stopped and resumed.</p>
    <form method="post" action="/dead-letters/runs" class="confirm-form">
      !${hidden(selection)} <input type="hidden" name="csrf" value="${session.csrf}" /><input
        type="hidden"
        name="action"
        value="${action}"
      /><input type="hidden" name="perSecond" value="${String(perSecond)}" /><input
        type="hidden"
        name="to_provider"
        value="${provider}"
      />
      <label for="reason">Reason <small>stands in the audit log</small></label
      ><input id="reason" name="reason" required maxlength="500" />
      <label for="typed">Type how many: ${count(plan.total)}</label
      ><input id="typed" name="typed" required inputmode="numeric" autocomplete="off" />
      <div class="row">
        <button class="${action === "discard" || action === "release" ? "danger" : "primary"}">
          ${labels[action]} ${count(plan.total)}
        </button>
      </div>
    </form>
    !${cliBlock(bulkCommand(action, selection, { perSecond, provider: provider || undefined }))}
  </section>`;
}
