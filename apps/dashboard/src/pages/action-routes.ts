import type { LetterView, Who } from "@understudy/operator";
import type { FastifyInstance, FastifyReply } from "fastify";
import { html } from "ghtml";
import * as z from "zod";

import type { Session } from "../sign-in/sessions.ts";
import { cliBlock, letterCommand } from "./cli.ts";
import { pill } from "./format.ts";
import { layout } from "./layout.ts";
import {
  consequence,
  labels,
  type LetterAction,
  letterActions,
  objection,
  refusal,
} from "./letter-actions.ts";
import { idParams, missingPage } from "./letter.ts";
import { causePill, effectPill } from "./letters.ts";
import { ableTo, actorOf, type PageParts, sessionOf } from "./parts.ts";
import { wordsPage } from "./words.ts";

const params = idParams.extend({ action: z.enum(letterActions) });
const providerQuery = z.object({ provider: z.string().max(100).optional() });
const form = z.object({
  reason: z.string().default(""),
  provider: z.string().max(100).default(""),
  payload: z.string().default(""),
  shown: z.string().default(""),
  seen: z.string().max(100).default(""),
});

export function addActions(app: FastifyInstance, parts: PageParts): void {
  app.get("/dead-letters/:id/:action", async (request, reply) => {
    const session = sessionOf(request);
    const parsed = params.safeParse(request.params);
    if (!parsed.success) return reply.callNotFound();
    const { id, action } = parsed.data;
    const letter = await parts.operator.letter(id);
    reply.type("text/html; charset=utf-8");
    if (letter === undefined) return await reply.code(404).send(missingPage(id, session));
    const refused = refusal(action, session.role, letter.isMoney);
    if (refused !== undefined)
      return await reply.code(403).send(wordsPage({ status: 403, words: refused, session, way: wayTo(id) }));
    const why = objection(action, letter);
    if (why !== undefined)
      return await reply.code(409).send(wordsPage({ status: 409, words: why, session, way: wayTo(id) }));
    const { provider } = providerQuery.parse(request.query);
    return await reply.send(
      confirmPage(letter, action, session, { parts, provider: provider === "" ? undefined : provider }),
    );
  });

  app.post("/dead-letters/:id/:action", async (request, reply) => {
    const parsed = params.safeParse(request.params);
    if (!parsed.success) return reply.callNotFound();
    const { id, action } = parsed.data;
    const body = form.parse(request.body);
    const who = { by: actorOf(request), reason: body.reason };
    const answer = await act(parts, id, action, who, body);
    return await tell(reply, sessionOf(request), id, action, answer);
  });
}

/** What the operator answered, or a sentence of ours when it was not even asked. */
async function act(
  parts: PageParts,
  id: string,
  action: LetterAction,
  who: Who,
  { provider, payload, shown, seen: version }: z.output<typeof form>,
): Promise<string> {
  const { operator } = parts;
  const seen = version === "" ? {} : { seen: version };
  switch (action) {
    case "redrive":
      return await operator.redrive(id, who, { ...seen, ...(provider === "" ? {} : { provider }) });
    case "look-up":
      return await operator.lookUp(id, who, seen);
    case "release":
      return await operator.release(id, who, seen);
    case "discard":
      return await operator.discard(id, who, seen);
    case "edit": {
      const [next, before] = [parse(payload), parse(shown)];
      if (next === undefined) return "The payload is not JSON. Go back and mend it; nothing was changed.";
      return await operator.edit(id, next.json, who, {
        ...seen,
        ...(before === undefined ? {} : { shown: before.json }),
      });
    }
  }
}

function parse(text: string): { readonly json: unknown } | undefined {
  try {
    return { json: JSON.parse(text) as unknown };
  } catch {
    return undefined;
  }
}

/** Where to go when it was done. */
const done: Readonly<Record<string, (id: string) => string>> = {
  redriven: (id) => `/jobs/${id}`,
  asked: (id) => `/jobs/${id}`,
  released: (id) => `/dead-letters/${id}`,
  edited: (id) => `/dead-letters/${id}`,
  discarded: () => "/dead-letters",
};

const answers: Readonly<Record<string, string>> = {
  gone: "This letter is gone: somebody redrove or discarded it meanwhile. Nothing was done.",
  held: "Nobody knows whether this job had its effect, and it must not have it twice. Look it up, or release it, first.",
  live: "A job with this id is alive on its queue already, so nothing was done.",
  known: "It is known already that this job had no effect: redrive it.",
  unreadable: "This letter's data cannot be read, so nothing was done. It can only be discarded.",
  invalid: "Today's schema refuses its payload. Edit it first.",
  unserved: "That provider does not serve this job, or must not. Choose another.",
  changed:
    "It is not the letter any more that you were shown: it was edited or released, or has died anew. Look at it again.",
};

async function tell(
  reply: FastifyReply,
  session: Session,
  id: string,
  action: LetterAction,
  answer: string,
): Promise<FastifyReply> {
  const goTo = done[answer];
  if (goTo !== undefined) return await reply.redirect(goTo(encodeURIComponent(id)), 303);
  const words = answers[answer] ?? answer;
  const way =
    answer === "gone"
      ? { href: `/jobs/${encodeURIComponent(id)}`, words: "Where is the job now?" }
      : wayTo(id);
  const page = wordsPage({ status: 409, words: `${labels[action]}: ${words}`, session, way });
  return await reply.code(409).type("text/html; charset=utf-8").send(page);
}

function wayTo(id: string): { readonly href: string; readonly words: string } {
  return { href: `/dead-letters/${encodeURIComponent(id)}`, words: "Back to the letter" };
}

function confirmPage(
  letter: LetterView,
  action: LetterAction,
  session: Session,
  { parts, provider }: { readonly parts: PageParts; readonly provider: string | undefined },
): string {
  const title = `${labels[action]}: ${letter.job}`;
  const main = html`<div class="confirm">
    <p class="back"><a href="/dead-letters/${encodeURIComponent(letter.id)}">Back to the letter</a></p>
    <h1>${labels[action]}?</h1>
    <p class="id">${letter.id}</p>
    <p>
      !${causePill(letter.cause)} !${effectPill(letter.effect)} !${letter.isMoney ? pill("money") : ""}
      ${letter.sentence}
    </p>
    <p
      class="box ${action === "discard" || action === "release" ? "bad" : letter.prospect.fate === "possible_duplicate" ? "warn" : "plain"}"
    >
      ${consequence(action, letter, provider)}
    </p>
    <form method="post">
      <input type="hidden" name="csrf" value="${session.csrf}" />
      <input type="hidden" name="seen" value="${letter.version}" />
      !${action === "redrive" ? providerField(ableTo(parts, letter.job), provider) : ""}
      !${action === "edit" ? payloadField(letter) : ""}
      <label for="reason">Reason <small>stands in the audit log and in the job's own history</small></label>
      <input id="reason" name="reason" required maxlength="500" !${action === "edit" ? "" : " autofocus"} />
      <div class="row">
        <button class="${action === "discard" ? "danger" : "primary"}">${labels[action]}</button
        ><a class="button" href="/dead-letters/${encodeURIComponent(letter.id)}">Back</a>
      </div>
    </form>
    !${action === "edit" ? "" : cliBlock(letterCommand(action, letter.id, { provider, seen: letter.version }))}
  </div>`;
  return layout({ title, main, session, at: "/dead-letters" });
}

function providerField(providers: readonly string[], chosen: string | undefined): string {
  return html`<label for="provider">Provider</label
    ><select id="provider" name="provider">
      <option value="">those of its route</option>
      !${providers.map((name) => html`<option!${name === chosen ? " selected" : ""}>${name}</option>`)}
    </select>`;
}

function payloadField({ payload, hidden }: LetterView): string {
  const note =
    hidden.length === 0
      ? ""
      : html`<p class="note" id="payload-note">
          What is hidden (${hidden.join(", ")}) stays as it is unless you write something else in its place.
        </p>`;
  return html`<input type="hidden" name="shown" value="${JSON.stringify(payload)}" /><label for="payload"
      >Payload <small>JSON</small></label
    ><textarea
      id="payload"
      name="payload"
      rows="16"
      required
      spellcheck="false"
      !${hidden.length === 0 ? "" : ' aria-describedby="payload-note"'}
    >
${JSON.stringify(payload, undefined, 2)}</textarea
    >!${note}`;
}
