import type { Role } from "@understudy/operator";
import type { FastifyInstance } from "fastify";
import { html } from "ghtml";

import type { Session } from "../sign-in/sessions.ts";
import { layout } from "./layout.ts";
import { sentenceOf } from "./overview-sentence.ts";
import { type PageParts, sessionOf } from "./parts.ts";
import { providerTable } from "./providers.ts";
import { queueTable } from "./queues.ts";
import { timeline } from "./timeline.ts";

/** As many as the strips of an hour may need; the newest of them are told in words. */
const TRANSITIONS = 500;

/** The parts of the page that change by themselves, by the id of the element that holds them. */
export async function overviewParts(
  { operator, jobs }: PageParts,
  role: Role,
): Promise<Readonly<Record<string, string>>> {
  const [queues, providers, transitions] = await Promise.all([
    operator.queues(),
    operator.providers(),
    operator.transitions(TRANSITIONS),
  ]);
  return {
    "overview-sentence": sentenceOf(queues, providers),
    queues: queueTable(queues, jobs, role),
    providers: providerTable(providers, role),
    timeline: timeline(providers, transitions, Date.now()),
  };
}

export function addOverview(app: FastifyInstance, parts: PageParts): void {
  app.get("/", async (request, reply) => {
    const session = sessionOf(request);
    const page = overviewPage(await overviewParts(parts, session.role), session);
    return await reply.type("text/html; charset=utf-8").send(page);
  });
}

function overviewPage(live: Readonly<Record<string, string>>, session: Session): string {
  const section = (id: string, title: string): string =>
    html`<section aria-labelledby="${id}-title">
      <h2 id="${id}-title">${title}</h2>
      <div id="${id}">!${live[id]}</div>
    </section>`;
  const main = html`<h1>Overview</h1>
    <div class="sentence" id="overview-sentence" role="status">!${live["overview-sentence"]}</div>
    !${section("queues", "Queues")} !${section("providers", "Providers")}
    !${section("timeline", "What became of circuits, and what people said")}
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
