import type { AnyJob } from "@understudy/core";
import { may, type QueueView, type Role } from "@understudy/operator";
import type { FastifyInstance } from "fastify";
import { html } from "ghtml";
import * as z from "zod";

import { isMoneyQueue } from "../money.ts";
import type { Session } from "../sign-in/sessions.ts";
import { cliBlock, quoted } from "./cli.ts";
import { count, dash, duration, figure, pill } from "./format.ts";
import { layout } from "./layout.ts";
import { actorOf, type PageParts, sessionOf } from "./parts.ts";

export function addQueueActions(app: FastifyInstance, { operator }: PageParts): void {
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
    await (action === "pause" ? operator.pauseQueue(name, who) : operator.resumeQueue(name, who));
    return await reply.redirect("/", 303);
  });
}

export function queueTable(queues: readonly QueueView[], jobs: readonly AnyJob[], role: Role): string {
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

function drain({ waiting, drainMs, isPaused }: QueueView): string {
  if (waiting === 0) return dash;
  if (isPaused) return html`<span class="warn">paused</span>`;
  return drainMs === undefined
    ? html`<span class="bad">never</span>`
    : html`<span>${duration(drainMs)}</span>`;
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
