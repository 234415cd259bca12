import { type Directive, verbs } from "@understudy/operator";
import type { FastifyInstance } from "fastify";
import { html } from "ghtml";
import * as z from "zod";

import type { Session } from "../sign-in/sessions.ts";
import { cliBlock, quoted } from "./cli.ts";
import { layout } from "./layout.ts";
import { refusal } from "./letter-actions.ts";
import { actorOf, type PageParts, sessionOf } from "./parts.ts";
import { labels } from "./providers.ts";
import { wordsPage } from "./words.ts";

type Verb = keyof typeof labels;

const name = z.string().max(100);
const params = z.object({ provider: name, verb: z.enum([...verbs, "restore"]) });
const query = z.object({ capability: name.optional() });
const form = z.object({
  reason: z.string().default(""),
  capability: name.default(""),
  for: z.string().max(10).default(""),
  seen: z
    .string()
    .max(1000)
    .regex(/^[\d.,]*$/u)
    .optional(),
});

/** How long it may hold, by what the form sends; what ends by itself is not forgotten. */
const spans = {
  "15m": { ms: 900_000, words: "15 minutes" },
  "1h": { ms: 3_600_000, words: "1 hour" },
  "4h": { ms: 14_400_000, words: "4 hours" },
  "1d": { ms: 86_400_000, words: "1 day" },
  "7d": { ms: 604_800_000, words: "7 days" },
} as const;
const USUAL = "1h";

interface About {
  readonly provider: string;
  readonly verb: Verb;
  readonly capability?: string;
}

/** What a page says before it is done. */
interface Weighed {
  readonly isMoney: boolean;
  readonly consequence: string;
  readonly warnings: readonly string[];
  /** What would be taken back. */
  readonly directives?: readonly Directive[];
}

export function addProviderActions(app: FastifyInstance, parts: PageParts): void {
  app.get("/providers/:provider/:verb", async (request, reply) => {
    const session = sessionOf(request);
    const about = aboutOf(request.params, query.parse(request.query).capability);
    if (about === undefined) return reply.callNotFound();
    const weighed = await weigh(parts, about);
    const refused = refusal(about.verb, session.role, weighed.isMoney);
    reply.type("text/html; charset=utf-8");
    if (refused !== undefined)
      return await reply.code(403).send(wordsPage({ status: 403, words: refused, session }));
    return await reply.send(confirmPage(about, weighed, session));
  });

  app.post("/providers/:provider/:verb", async (request, reply) => {
    const { reason, capability, for: span, seen } = form.parse(request.body);
    const about = aboutOf(request.params, capability);
    if (about === undefined) return reply.callNotFound();
    const { verb, ...named } = about;
    const who = { by: actorOf(request), reason };
    if (verb !== "restore") {
      await parts.operator.direct({ ...named, verb, ...endOf(span) }, who);
      return await reply.redirect("/", 303);
    }
    const { answer, directives, sentence } = await parts.operator.restore({ ...named, ...seenIn(seen) }, who);
    if (answer === "restored") return await reply.redirect("/", 303);
    const title = directives.length === 0 ? {} : { title: "Not all of it was done" };
    const page = wordsPage({ status: 409, words: sentence, session: sessionOf(request), ...title });
    return await reply.code(409).type("text/html; charset=utf-8").send(page);
  });
}

function aboutOf(given: unknown, capability: string | undefined): About | undefined {
  const parsed = params.safeParse(given);
  if (!parsed.success) return undefined;
  return capability === undefined || capability === "" ? parsed.data : { ...parsed.data, capability };
}

/** An end that is none of those that were offered is refused, rather than taken for none. */
function endOf(span: string): { readonly forMs?: number } {
  if (span === "none") return {};
  return { forMs: Object.hasOwn(spans, span) ? spans[span as keyof typeof spans].ms : Number.NaN };
}

async function weigh({ operator }: PageParts, about: About): Promise<Weighed> {
  const { verb, ...named } = about;
  return verb === "restore" ? await operator.weighRestore(named) : await operator.weigh({ ...named, verb });
}

function confirmPage(about: About, { consequence, warnings, directives }: Weighed, session: Session): string {
  const { verb, provider, capability } = about;
  const title = `${labels[verb]} ${provider}${capability === undefined ? "" : ` for ${capability}`}`;
  const main = html`<div class="confirm">
    <h1>${title}?</h1>
    <p class="sentence">${consequence}</p>
    !${warnings.map((warning) => html`<p class="box bad">${warning}</p>`)}
    !${capability === undefined ? "" : html`<p class="note"><a href="/providers/${encodeURIComponent(provider)}/${verb}">Rather all that ${provider} does</a></p>`}
    <form method="post">
      <input type="hidden" name="csrf" value="${session.csrf}" />
      <input type="hidden" name="capability" value="${capability ?? ""}" />
      !${verb === "restore" ? seenField(directives) : endField()}
      <label for="reason"
        >Reason <small>stands in the audit log, and beside the provider for all to see</small></label
      ><input id="reason" name="reason" required maxlength="500" autofocus />
      <div class="row">
        <button class="${verb === "isolate" ? "danger" : "primary"}">${labels[verb]}</button
        ><a class="button" href="/">Back</a>
      </div>
    </form>
    !${cliBlock(commandOf(about))}
  </div>`;
  return layout({ title, main, session, at: "/" });
}

/** What is taken back is what this page speaks of, and not what is said while somebody looks at it. */
function seenField(directives: readonly Directive[] = []): string {
  const seen = directives.map(({ since }) => since).join(",");
  return html`<input type="hidden" name="seen" value="${seen}" />`;
}

function seenIn(seen: string | undefined): { readonly seen?: readonly number[] } {
  if (seen === undefined) return {};
  return { seen: seen.split(",").flatMap((since) => (since === "" ? [] : Number(since))) };
}

function endField(): string {
  const options = Object.entries(spans).map(
    ([value, { words }]) =>
      html`<option value="${value}" !${value === USUAL ? " selected" : ""}>${words}</option>`,
  );
  return html`<label for="for">For how long</label
    ><select id="for" name="for">
      !${options}
      <option value="none">until it is restored</option>
    </select>`;
}

function commandOf({ verb, provider, capability }: About): string {
  const flags = [
    ...(capability === undefined ? [] : [`--capability ${quoted(capability)}`]),
    ...(verb === "restore" ? [] : [`--for ${USUAL}`]),
    '--reason "…"',
  ];
  return `understudy providers ${verb} ${quoted(provider)} ${flags.join(" ")}`;
}
