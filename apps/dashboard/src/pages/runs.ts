import { may, mayResume, type Operator, type Run } from "@understudy/operator";
import type { FastifyInstance } from "fastify";
import { html } from "ghtml";
import * as z from "zod";

import type { Session } from "../sign-in/sessions.ts";
import { bulkCommand, cliBlock, quoted } from "./cli.ts";
import { filterQuery, filterWords } from "./filter-query.ts";
import { count, counted, duration, figure, pill, when } from "./format.ts";
import { layout } from "./layout.ts";
import { actorOf, type PageParts, sessionOf } from "./parts.ts";
import { wordsPage } from "./words.ts";

const params = z.object({ id: z.string().max(200) });

export function addRuns(app: FastifyInstance, { operator, runs }: PageParts): void {
  app.get("/dead-letters/runs", async (request, reply) => {
    const session = sessionOf(request);
    return await reply.type("text/html; charset=utf-8").send(runsPage(await operator.runs(), session));
  });

  app.get("/dead-letters/runs/:id", async (request, reply) => {
    const session = sessionOf(request);
    const { id } = params.parse(request.params);
    const run = await operator.run(id);
    reply.type("text/html; charset=utf-8");
    if (run === undefined) return await reply.code(404).send(noSuchRun(session));
    return await reply.send(runPage(run, session));
  });

  app.post("/dead-letters/runs/:id/:verb", async (request, reply) => {
    const { id, verb } = params.extend({ verb: z.enum(["stop", "resume"]) }).parse(request.params);
    const run = await operator.run(id);
    if (run === undefined)
      return await reply
        .code(404)
        .type("text/html; charset=utf-8")
        .send(noSuchRun(sessionOf(request)));
    const by = actorOf(request);
    if (verb === "stop") {
      await operator.stop(id, { by, reason: "stopped on its page" });
      runs.stop(id);
    } else if (!mayResume(by.role, run)) {
      const words = `A ${run.role} began it, so it asks for that role to be resumed; yours is ${by.role}.`;
      return await reply
        .code(403)
        .type("text/html; charset=utf-8")
        .send(wordsPage({ status: 403, words, session: sessionOf(request) }));
    } else if (run.state === "stopped" || run.isOrphan) runs.drive(id, { by, reason: "resumed on its page" });
    return await reply.redirect(`/dead-letters/runs/${encodeURIComponent(id)}`, 303);
  });
}

function noSuchRun(session: Session): string {
  const words = "There is no such run: they are kept for 30 days.";
  return wordsPage({ status: 404, words, session, way: { href: "/dead-letters/runs", words: "All runs" } });
}

/** What changes by itself; undefined when there is no such run. */
export async function runParts(
  operator: Pick<Operator, "run">,
  id: string,
  session: Session,
): Promise<Readonly<Record<string, string>> | undefined> {
  const run = await operator.run(id);
  return run === undefined ? undefined : { run: progress(run, session) };
}

function runPage(run: Run, session: Session): string {
  const { selection } = run;
  const main = html`<p class="back"><a href="/dead-letters/runs">Runs</a></p>
    <h1>Run: ${run.action}</h1>
    <p class="sentence">
      !${"ids" in selection ? counted(selection.ids.length, "ticked letter") : html`<a href="/dead-letters${filterQuery(selection.filter)}">${filterWords(selection.filter)}</a>`},
      at ${String(run.perSecond)} a
      second!${run.provider === undefined ? "" : html`, to <strong>${run.provider}</strong> only`}
    </p>
    <p>Begun by <strong>${run.by}</strong> !${when(run.startedAt)}: “${run.reason}”</p>
    <div id="run">!${progress(run, session)}</div>
    !${cliBlock(bulkCommand(run.action, selection, { perSecond: run.perSecond, provider: run.provider }))}
    !${run.state === "done" ? "" : cliBlock(`understudy runs resume ${quoted(run.id)}`)}`;
  return layout({
    title: `Run: ${run.action}`,
    main,
    session,
    at: "/dead-letters/runs",
    live: `/events?of=run&id=${encodeURIComponent(run.id)}`,
  });
}

function progress(run: Run, { role, csrf }: Session): string {
  const share = run.total === 0 ? 100 : Math.floor((100 * run.seen) / run.total);
  const rest = Math.max(0, run.total - run.seen);
  const left = Object.entries(run.left).map(([answer, n]) => html`<li>${count(n)} ${answer}</li>`);
  return html`<div class="progress">
    <progress max="${Math.max(1, run.total)}" value="${run.seen}" aria-label="Letters looked at"></progress>
    <p role="status">
      !${state(run)} <strong>${count(run.seen)}</strong> of ${count(run.total)} looked at (${share} %),
      <strong class="good">${count(run.done)}</strong>
      done!${run.state === "running" && rest > 0 ? html`, about ${duration((rest / run.perSecond) * 1000)} to go` : ""}
    </p>
    !${
      left.length === 0
        ? ""
        : html`<p>Left alone:</p>
            <ul class="inline">
              !${left}
            </ul>`
    }
    !${verb(run, role, csrf)}
  </div>`;
}

function state(run: Run): string {
  if (run.isOrphan) return pill("nobody drives it: resume it", "bad");
  return run.state === "running"
    ? pill("running", "warn")
    : run.state === "stopped"
      ? pill("stopped", "bad")
      : pill("done", "good");
}

function verb(run: Run, role: Session["role"], csrf: string): string {
  const { id, state, isOrphan } = run;
  const name = state === "running" && !isOrphan ? "stop" : "resume";
  const isAllowed = name === "stop" ? may(role, "stop-run", false) : mayResume(role, run);
  if (state === "done" || !isAllowed) return "";
  return html`<form method="post" action="/dead-letters/runs/${encodeURIComponent(id)}/${name}">
    <input type="hidden" name="csrf" value="${csrf}" /><button
      class="${name === "stop" ? "danger" : "primary"}"
    >
      ${name === "stop" ? "Stop" : "Resume"}
    </button>
  </form>`;
}

function runsPage(runs: readonly Run[], session: Session): string {
  const rows = runs.map(
    (run) =>
      html`<tr data-row>
        <td data-label="Begun">!${when(run.startedAt)}</td>
        <th scope="row" data-label="Action">
          <a href="/dead-letters/runs/${encodeURIComponent(run.id)}">${run.action}</a>
        </th>
        <td data-label="State">!${state(run)}</td>
        <td data-label="Letters" class="number">${count(run.total)}</td>
        <td data-label="Done" class="number">!${figure(run.done)}</td>
        <td data-label="By">${run.by}</td>
        <td data-label="What" class="reason">
          ${"ids" in run.selection ? counted(run.selection.ids.length, "ticked letter") : filterWords(run.selection.filter)}:
          “${run.reason}”
        </td>
      </tr>`,
  );
  const table = html`<table class="cards">
    <thead>
      <tr>
        !${["Begun", "Action", "State", "Letters", "Done", "By", "What and why"].map((head) => html`<th scope="col">${head}</th>`)}
      </tr>
    </thead>
    <tbody>
      !${rows}
    </tbody>
  </table>`;
  const main = html`<h1>Runs</h1>
    <p class="note">Bulk actions of the last 30 days.</p>
    !${runs.length === 0 ? html`<p class="empty">There were none. <a href="/dead-letters">Filter dead letters</a>, plan, and start one.</p>` : table}`;
  return layout({ title: "Runs", main, session, at: "/dead-letters/runs" });
}
