import type { AnyJob } from "@understudy/core";
import { may, type ProviderView, type QueueView, type Role } from "@understudy/operator";
import type { FastifyInstance } from "fastify";
import { html } from "ghtml";
import * as z from "zod";

import { isMoneyQueue } from "../money.ts";
import type { Session } from "../sign-in/sessions.ts";
import { cliBlock, quoted } from "./cli.ts";
import { count, counted, duration, figure, pill, when } from "./format.ts";
import { layout } from "./layout.ts";
import { actorOf, type PageParts, sessionOf } from "./parts.ts";

/** The parts of the page that change by themselves, by the id of the element that holds them. */
export async function overviewParts(
  { operator, jobs }: PageParts,
  role: Role,
): Promise<Readonly<Record<string, string>>> {
  const [queues, providers] = await Promise.all([operator.queues(), operator.providers()]);
  return {
    "overview-sentence": sentenceOf(queues, providers),
    queues: queueTable(queues, jobs, role),
    providers: providerTable(providers),
  };
}

export function addOverview(app: FastifyInstance, parts: PageParts): void {
  app.get("/", async (request, reply) => {
    const session = sessionOf(request);
    const html = overviewPage(await overviewParts(parts, session.role), session);
    return await reply.type("text/html; charset=utf-8").send(html);
  });

  const params = z.object({ name: z.string(), action: z.enum(["pause", "resume"]) });
  app.get("/queues/:name/:action", async (request, reply) => {
    const session = sessionOf(request);
    const { name, action } = params.parse(request.params);
    return await reply.type("text/html; charset=utf-8").send(pausePage(name, action, session));
  });
  app.post("/queues/:name/:action", async (request, reply) => {
    const { name, action } = params.parse(request.params);
    const { reason } = z.object({ reason: z.string().catch("") }).parse(request.body);
    const who = { by: actorOf(request), reason };
    await (action === "pause" ? parts.operator.pauseQueue(name, who) : parts.operator.resumeQueue(name, who));
    return await reply.redirect("/", 303);
  });
}

function overviewPage(live: Readonly<Record<string, string>>, session: Session): string {
  const section = (id: string, title: string): string =>
    html`<section aria-labelledby="${id}-title">
      <h2 id="${id}-title">${title}</h2>
      <div id="${id}">!${live[id]}</div>
    </section>`;
  const main = html`<h1>Overview</h1>
    <p class="sentence" id="overview-sentence" role="status">!${live["overview-sentence"]}</p>
    !${section("queues", "Queues")} !${section("providers", "Providers")}
    <section aria-labelledby="explain-title">
      <h2 id="explain-title">Why is a job where it is?</h2>
      <form class="row" action="/jobs">
        <label class="visually-hidden" for="job-id">Job id</label>
        <input
          id="job-id"
          name="id"
          placeholder="welcome-email-4f1c…"
          required
          data-filter
          autocapitalize="none"
          spellcheck="false"
        /><button>Explain</button>
      </form>
    </section>`;
  return layout({ title: "Overview", main, session, at: "/", live: "/events?of=overview" });
}

/** What somebody who was woken wants to know first. */
function sentenceOf(queues: readonly QueueView[], providers: readonly ProviderView[]): string {
  const dead = queues.reduce((sum, queue) => sum + queue.dead, 0);
  const failed = queues.reduce((sum, queue) => sum + queue.failed, 0);
  const unserved = queues.filter(({ workers, waiting }) => workers === 0 && waiting > 0);
  const open = providers.filter(({ openCircuits }) => openCircuits > 0);
  const unknown = providers.reduce((sum, provider) => sum + provider.unknown, 0);
  const facts = [
    ...open.map(
      ({ provider, openCircuits }) =>
        html`<strong class="bad">${provider}: circuit open on ${counted(openCircuits, "worker")}.</strong>`,
    ),
    ...unserved.map(
      ({ name, waiting }) =>
        html`<strong class="bad">${name}: ${count(waiting)} waiting and no worker.</strong>`,
    ),
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
  const isCalm = open.length + unserved.length + failed + unknown === 0;
  return `${isCalm ? html`<span class="good">All circuits closed, every queue served.</span> ` : ""}${facts.join(" ")}`;
}

function queueTable(queues: readonly QueueView[], jobs: readonly AnyJob[], role: Role): string {
  if (queues.length === 0)
    return html`<p class="empty">No queue has been used yet: nothing was ever enqueued here.</p>`;
  const rows = queues.map((queue) => queueRow(queue, isMoneyQueue(jobs, queue.name), role));
  const heads = [
    "Queue",
    "Waiting",
    "Oldest",
    "Per second",
    "Drained in",
    "Active",
    "Delayed",
    "Dead",
    "Workers",
    "",
  ];
  return html`<table class="cards figures">
    <thead>
      <tr>
        !${heads.map((head) => html`<th scope="col">!${head === "" ? html`<span class="visually-hidden">Actions</span>` : head}</th>`)}
      </tr>
    </thead>
    <tbody>
      !${rows}
    </tbody>
  </table>`;
}

function queueRow(queue: QueueView, isMoney: boolean, role: Role): string {
  const action = queue.isPaused ? "resume" : "pause";
  const isAllowed = may(role, queue.isPaused ? "resume-queue" : "pause-queue", isMoney);
  const link = html`<a class="button quiet" href="/queues/${encodeURIComponent(queue.name)}/${action}"
    >!${queue.isPaused ? "Resume" : "Pause"}<span class="visually-hidden"> ${queue.name}</span></a
  >`;
  const old = queue.oldestWaitingMs;
  const isStuck = queue.workers === 0 && queue.waiting > 0;
  return html`<tr data-row>
    <th scope="row">
      <a href="/board/queue/${encodeURIComponent(queue.name)}">${queue.name}</a>
      !${isMoney ? pill("money") : ""} !${queue.isPaused ? pill("paused", "warn") : ""}
    </th>
    <td data-label="Waiting">!${figure(queue.waiting)}</td>
    <td data-label="Oldest">
      !${old === undefined ? dash : html`<span class="${old > 300_000 ? "warn" : "plain"}">${duration(old)}</span>`}
    </td>
    <td data-label="Per second">${queue.perSecond === 0 ? "0" : queue.perSecond.toFixed(1)}</td>
    <td data-label="Drained in">!${drain(queue)}</td>
    <td data-label="Active">!${figure(queue.active)}</td>
    <td data-label="Delayed">!${figure(queue.delayed)}</td>
    <td data-label="Dead">
      <a href="/dead-letters?queue=${encodeURIComponent(queue.name)}"
        >!${figure(queue.dead, "bad")}<span class="visually-hidden"> dead letters of ${queue.name}</span></a
      >!${queue.failed > 0 ? html` <small class="warn">+${count(queue.failed)} failed</small>` : ""}
    </td>
    <td data-label="Workers">
      !${isStuck ? html`<span class="bad">none</span>` : html`<span class="${queue.workers === 0 ? "nought" : "plain"}">${count(queue.workers)}</span>`}
    </td>
    <td class="actions">!${isAllowed ? link : ""}</td>
  </tr>`;
}

const dash = html`<span class="nought">–</span>`;

function drain({ waiting, drainMs, isPaused }: QueueView): string {
  if (waiting === 0) return dash;
  if (isPaused) return html`<span class="warn">paused</span>`;
  return drainMs === undefined
    ? html`<span class="bad">never</span>`
    : html`<span>${duration(drainMs)}</span>`;
}

function providerTable(providers: readonly ProviderView[]): string {
  if (providers.length === 0)
    return html`<p class="empty">
      No worker has told of a provider yet. Calls show up here within seconds of being made.
    </p>`;
  const rows = providers.map(providerRow);
  const heads = ["Provider", "Calls", "Errors", "Unknown", "Throttled", "Withheld", "Circuit", "Last error"];
  const window = duration(providers[0]?.windowMs ?? 0);
  return html`<table class="cards figures">
    <caption>
      Of the last ${window}, over all workers
    </caption>
    <thead>
      <tr>
        !${heads.map((head) => html`<th scope="col">${head}</th>`)}
      </tr>
    </thead>
    <tbody>
      !${rows}
    </tbody>
  </table>`;
}

function providerRow(view: ProviderView): string {
  const share = view.calls === 0 ? 0 : view.errors / view.calls;
  const { lastError } = view;
  return html`<tr data-row>
    <th scope="row">${view.provider} <small>${view.capabilities.join(", ")}</small></th>
    <td data-label="Calls">!${figure(view.calls)}</td>
    <td data-label="Errors">
      !${figure(view.errors, share > 0.05 ? "bad" : "warn")}!${view.errors > 0 && view.calls > 0 ? html` <small>${(100 * share).toFixed(share < 0.1 ? 1 : 0)} %</small>` : ""}
    </td>
    <td data-label="Unknown">!${figure(view.unknown, "warn")}</td>
    <td data-label="Throttled">!${figure(view.throttled, "warn")}</td>
    <td data-label="Withheld">!${figure(view.withheld, "warn")}</td>
    <td data-label="Circuit">
      !${view.openCircuits > 0 ? html`<span class="bad">open on ${count(view.openCircuits)}</span>` : html`<span class="good">closed</span>`}
    </td>
    <td data-label="Last error">
      !${lastError === undefined ? dash : html`<a href="/dead-letters?provider=${encodeURIComponent(view.provider)}&amp;code=${encodeURIComponent(lastError.code)}"><code>${lastError.code}</code></a> !${when(lastError.at)}`}
    </td>
  </tr>`;
}

function pausePage(name: string, action: "pause" | "resume", session: Session): string {
  const consequence =
    action === "pause"
      ? "Workers finish what they are running and take nothing new from it. Jobs keep being accepted, and wait."
      : "Workers take up what waits, at once.";
  const title = `${action === "pause" ? "Pause" : "Resume"} the queue ${name}`;
  const main = html`<div class="confirm">
    <h1>${title}?</h1>
    <p class="sentence">${consequence}</p>
    <form method="post">
      <input type="hidden" name="csrf" value="${session.csrf}" />
      <label for="reason">Reason <small>stands in the audit log</small></label
      ><input id="reason" name="reason" required maxlength="500" autofocus />
      <div class="row">
        <button class="primary">${action === "pause" ? "Pause it" : "Resume it"}</button
        ><a class="button" href="/">Back</a>
      </div>
    </form>
    !${cliBlock(`understudy queues ${action} ${quoted(name)} --reason "…"`)}
  </div>`;
  return layout({ title, main, session, at: "/" });
}
