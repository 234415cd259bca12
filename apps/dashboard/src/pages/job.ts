import type { Explanation } from "@understudy/operator";
import type { FastifyInstance } from "fastify";
import { html } from "ghtml";
import * as z from "zod";

import type { Session } from "../sign-in/sessions.ts";
import { cliBlock, quoted } from "./cli.ts";
import { pill, when, withCommands } from "./format.ts";
import { layout } from "./layout.ts";
import { idParams } from "./letter.ts";
import { type PageParts, sessionOf } from "./parts.ts";
import { timeline } from "./trail.ts";

export function addJobs(app: FastifyInstance, { operator }: PageParts): void {
  app.get("/jobs", async (request, reply) => {
    const { id } = z.object({ id: z.string().catch("") }).parse(request.query);
    return await reply.redirect(id.trim() === "" ? "/" : `/jobs/${encodeURIComponent(id.trim())}`, 303);
  });
  app.get("/jobs/:id", async (request, reply) => {
    const session = sessionOf(request);
    const { id } = idParams.parse(request.params);
    const explanation = await operator.explain(id);
    reply.code(explanation.state === "absent" ? 404 : 200).type("text/html; charset=utf-8");
    return await reply.send(jobPage(explanation, session));
  });
}

/** What changes by itself. */
export async function jobParts(
  { operator }: PageParts,
  id: string,
): Promise<Readonly<Record<string, string>>> {
  return { job: jobState(await operator.explain(id)) };
}

function jobPage(explanation: Explanation, session: Session): string {
  const { id } = explanation;
  const main = html`<h1 class="id">${id}</h1>
    <div id="job">!${jobState(explanation)}</div>
    !${cliBlock(`understudy jobs explain ${quoted(id)}`)}`;
  return layout({ title: id, main, session, live: `/events?of=job&id=${encodeURIComponent(id)}` });
}

const tones: Readonly<Record<Explanation["state"], "good" | "warn" | "bad" | "plain">> = {
  waiting: "plain",
  snoozing: "warn",
  active: "warn",
  completed: "good",
  dead: "bad",
  absent: "bad",
};

function jobState(explanation: Explanation): string {
  const { id, state, queue, job, sentence, advice, trail, past, dueAt } = explanation;
  const letter =
    state === "dead"
      ? html`<p>
          <a class="button primary" href="/dead-letters/${encodeURIComponent(id)}">To the dead letter</a>
        </p>`
      : "";
  const board =
    queue === undefined
      ? ""
      : html`<p>
          <a
            href="/board/queue/${encodeURIComponent(state === "dead" ? `${queue}.dead` : queue)}/${encodeURIComponent(id)}"
            >On the board</a
          >
        </p>`;
  const steps =
    advice.length === 0
      ? ""
      : html`<ul>
          !${advice.map((words) => html`<li>!${withCommands(words)}</li>`)}
        </ul>`;
  return html`<p class="sentence" role="status">
      !${pill(state, tones[state])}
      ${sentence}!${dueAt === undefined ? "" : html` <small>due !${when(dueAt)}</small>`}
    </p>
    !${job === undefined ? "" : html`<p class="note">${job} on the queue ${queue}</p>`}!${steps}!${letter}
    !${
      state === "absent"
        ? ""
        : html`<section aria-labelledby="trail-title">
            <h2 id="trail-title">Trail, over all lives</h2>
            !${timeline(trail, past)}
          </section>`
    }!${board}`;
}
