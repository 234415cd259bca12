import type { AuditEntry, AuditPage, Verification } from "@understudy/operator";
import type { FastifyInstance } from "fastify";
import { html } from "ghtml";
import * as z from "zod";

import type { Session } from "../sign-in/sessions.ts";
import { cliBlock } from "./cli.ts";
import { count, counted, moment } from "./format.ts";
import { layout } from "./layout.ts";
import { type PageParts, sessionOf } from "./parts.ts";

const PAGE = 100;
const query = z.object({ before: z.coerce.number().int().min(1).optional().catch(undefined) });

/** The whole log is looked at once an hour; in between, what has come since. */
const WHOLE_EVERY_MS = 3_600_000;

/** Whether the log is whole, without reading all of it for each who looks. */
function verifier(operator: PageParts["operator"], now: () => number): () => Promise<Verification> {
  let last: Extract<Verification, { readonly ok: true }> | undefined;
  let wholeAt = 0;
  return async () => {
    const isDue = now() - wholeAt > WHOLE_EVERY_MS;
    const verification = await operator.verifyAudit(isDue ? undefined : last);
    if (isDue) wholeAt = now();
    last = verification.ok ? verification : undefined;
    if (!verification.ok) wholeAt = 0;
    return verification;
  };
}

export function addAudit(app: FastifyInstance, { operator }: PageParts): void {
  const verify = verifier(operator, Date.now);
  app.get("/audit", async (request, reply) => {
    const { before } = query.parse(request.query);
    const [page, verification] = await Promise.all([
      operator.audit({ limit: PAGE, ...(before === undefined ? {} : { before }) }),
      verify(),
    ]);
    return await reply
      .type("text/html; charset=utf-8")
      .send(auditPage(page, verification, before, sessionOf(request)));
  });
}

function auditPage(
  page: AuditPage,
  verification: Verification,
  before: number | undefined,
  session: Session,
): string {
  const last = page.entries.at(-1)?.number;
  const older =
    last === undefined || last <= 1
      ? ""
      : html`<a class="button" rel="next" href="/audit?before=${String(last)}">Older</a>`;
  const newest = before === undefined ? "" : html`<a class="button" href="/audit">Newest</a>`;
  const heads = ["No.", "When (UTC)", "Who", "Did", "To", "Why", "Result"];
  const table = html`<table class="cards">
    <thead>
      <tr>
        !${heads.map((head) => html`<th scope="col">${head}</th>`)}
      </tr>
    </thead>
    <tbody>
      !${page.entries.map(auditRow)}
    </tbody>
  </table>`;
  const main = html`<h1>Audit</h1>
    !${verdict(verification)}
    !${page.entries.length === 0 ? html`<p class="empty">!${before === undefined ? "Nobody has changed anything yet." : "There is nothing older."}</p>` : table}
    <div class="row">
      !${newest}!${older}<span class="note">${counted(page.total, "entry", "entries")} in all</span>
    </div>
    !${cliBlock("understudy audit verify")}`;
  return layout({ title: "Audit", main, session, at: "/audit" });
}

function verdict(verification: Verification): string {
  if (!verification.ok)
    return html`<p class="box bad" role="alert">
      <strong>The log was tampered with, or damaged.</strong> At entry ${count(verification.firstBad)}:
      ${verification.problem}
    </p>`;
  return html`<div class="box good">
    <p>
      <strong>Verified:</strong> each of ${counted(verification.entries, "entry", "entries")} holds the hash
      of the one before.
    </p>
    <p class="note">
      Head, to be kept elsewhere: <code class="wrap">${verification.entries}:${verification.head}</code>
    </p>
  </div>`;
}

function auditRow(entry: AuditEntry): string {
  const isRefused = entry.result?.startsWith("refused") === true;
  return html`<tr data-row id="n${String(entry.number)}">
    <td data-label="No." class="number">${count(entry.number)}</td>
    <td data-label="When">!${moment(entry.at)}</td>
    <th scope="row" data-label="Who">${entry.by} <small>${entry.role}</small></th>
    <td data-label="Did"><code>${entry.action}</code></td>
    <td data-label="To" class="reason">!${subject(entry)}</td>
    <td data-label="Why" class="reason">
      ${entry.reason ?? ""}!${
        entry.plan === undefined
          ? ""
          : html`<details>
              <summary>plan</summary>
              <pre tabindex="0">${JSON.stringify(entry.plan, undefined, 1)}</pre>
            </details>`
      }
    </td>
    <td data-label="Result">
      <span class="${isRefused ? "bad" : "plain"}">${entry.result ?? ""}</span
      >!${entry.of === undefined ? "" : html` <a href="#n${String(entry.of)}"><small>of ${count(entry.of)}</small></a>`}
    </td>
  </tr>`;
}

/** What looks like the id of a job leads to where it is now. */
function subject({ subject }: AuditEntry): string {
  if (!/^[a-z][a-z0-9-]*-[\w-]{20}$/u.test(subject)) return html`${subject}`;
  return html`<a class="id" href="/jobs/${encodeURIComponent(subject)}">${subject}</a>`;
}
