import { causes, UnderstudyError } from "@understudy/core";
import type {
  GroupPage,
  LetterFilter,
  LetterGroup,
  LetterPage,
  LetterSummary,
  Operator,
} from "@understudy/operator";
import type { FastifyInstance } from "fastify";
import { html } from "ghtml";

import type { Session } from "../sign-in/sessions.ts";
import { bulkCommand, cliBlock } from "./cli.ts";
import {
  filterQuery,
  filterWords,
  isEmptyFilter,
  parseFilter,
  type ParsedFilter,
  type Query,
} from "./filter-query.ts";
import { count, counted, pill, when } from "./format.ts";
import { layout } from "./layout.ts";
import { type PageParts, sessionOf } from "./parts.ts";

const PAGE = 50;
const MAX_GROUPS = 12;

interface View {
  readonly parsed: ParsedFilter;
  readonly query: Query;
  readonly groups?: GroupPage;
  readonly page?: LetterPage;
  readonly session: Session;
  readonly parts: PageParts;
}

export function addLetters(app: FastifyInstance, parts: PageParts): void {
  app.get("/dead-letters", async (request, reply) => {
    const session = sessionOf(request);
    const query = request.query as Query;
    const parsed = parseFilter(query);
    const view = { parsed, query, session, parts };
    reply.type("text/html; charset=utf-8");
    if (parsed.problems.length > 0) return await reply.code(400).send(lettersPage(view));
    const after = typeof query["after"] === "string" && query["after"] !== "" ? query["after"] : undefined;
    try {
      return await reply.send(lettersPage({ ...view, ...(await read(parts, parsed.filter, after)) }));
    } catch (error) {
      if (!(error instanceof UnderstudyError && error.code === "option_invalid")) throw error;
      const problems = [error.message];
      return await reply.code(400).send(lettersPage({ ...view, parsed: { ...parsed, problems } }));
    }
  });
}

async function read(
  { operator }: PageParts,
  filter: LetterFilter,
  after: string | undefined,
): Promise<Pick<View, "groups" | "page">> {
  const [groups, page] = await Promise.all([
    groupsOf(operator, filter),
    operator.letters(filter, { limit: PAGE, ...(after === undefined ? {} : { after }) }),
  ]);
  return { page, ...(groups === undefined ? {} : { groups }) };
}

/** Undefined with a text to search for: then what died of the same is known only once all are read. */
async function groupsOf(
  operator: Pick<Operator, "groups">,
  filter: LetterFilter,
): Promise<GroupPage | undefined> {
  return filter.text === undefined ? await operator.groups(filter) : undefined;
}

/** What changes by itself: how many there are, and of what. */
export async function lettersParts(
  { operator }: PageParts,
  query: Query,
): Promise<Readonly<Record<string, string>>> {
  const { filter } = parseFilter(query);
  const groups = await groupsOf(operator, filter);
  return groups === undefined ? {} : { groups: groupTable(groups, filter) };
}

function lettersPage({ parsed, query, groups, page, session, parts }: View): string {
  const { filter, problems } = parsed;
  const main = html`<h1>Dead letters</h1>
    !${filterForm(query, parts, groups)}
    !${
      problems.length === 0
        ? ""
        : html`<div class="problem" role="alert">
            <p>This filter makes no sense:</p>
            <ul>
              !${problems.map((one) => html`<li>${one}</li>`)}
            </ul>
          </div>`
    }
    !${
      groups === undefined
        ? ""
        : html`<section aria-labelledby="groups-title">
            <h2 id="groups-title">Causes</h2>
            <div id="groups">!${groupTable(groups, filter)}</div>
          </section>`
    }
    !${page === undefined ? "" : letterList(page, filter, query)}`;
  const live = problems.length > 0 ? {} : { live: `/events${filterQuery(filter, { of: "letters" })}` };
  return layout({ title: "Dead letters", main, session, at: "/dead-letters", ...live });
}

function filterForm(query: Query, { jobs, providers }: PageParts, groups: GroupPage | undefined): string {
  const one = (name: string): string => [query[name] ?? ""].flat()[0] ?? "";
  const queues = [
    ...new Set([...jobs.map(({ queue }) => queue), ...(groups?.groups ?? []).map(({ queue }) => queue)]),
  ];
  const select = (name: string, label: string, options: readonly string[]): string =>
    html`<label
      >${label}<select name="${name}">
        <option value="">any</option>
        !${options.map((value) => html`<option!${value === one(name) ? " selected" : ""}>${value}</option>`)}
      </select></label
    >`;
  const kept = ["group", "effect"].flatMap((name) =>
    one(name) === "" ? [] : [html`<input type="hidden" name="${name}" value="${one(name)}" />`],
  );
  return html`<form class="filter" role="search" action="/dead-letters">
    <label class="grow"
      >Text<input
        name="text"
        value="${one("text")}"
        placeholder="id, reason, payload field"
        data-filter
        spellcheck="false"
    /></label>
    !${select("queue", "Queue", queues)} !${select("job", "Job", jobs.map(({ name }) => name).toSorted())}
    !${select("cause", "Cause", causes)}
    !${select(
      "provider",
      "Provider",
      providers.map(({ name }) => name),
    )}
    <label
      >Code<input name="code" value="${one("code")}" size="10" placeholder="http_503" spellcheck="false"
    /></label>
    <label
      >Since<input
        name="from"
        value="${one("from")}"
        size="10"
        placeholder="24h or a date"
        spellcheck="false"
    /></label>
    <label
      >Until<input name="to" value="${one("to")}" size="10" placeholder="1h or a date" spellcheck="false"
    /></label>
    !${kept}
    <div class="row">
      <button class="primary">Filter</button><a class="button" href="/dead-letters">Clear</a>
    </div>
  </form>`;
}

function groupTable({ groups, total }: GroupPage, filter: LetterFilter): string {
  if (total === 0)
    return html`<p class="empty">
      !${isEmptyFilter(filter) ? html`<span class="good">No dead letters.</span> What fails for good will stand here, with why.` : html`Nothing matches ${filterWords(filter)}.`}
    </p>`;
  const rows = groups.slice(0, MAX_GROUPS).map((group) => groupRow(group, filter));
  const more =
    groups.length > MAX_GROUPS
      ? html`<p class="note">and ${counted(groups.length - MAX_GROUPS, "rarer cause")}</p>`
      : "";
  const all = html`<a class="button primary" href="/dead-letters/plan${filterQuery(filter)}"
    >Plan all ${count(total)}</a
  >`;
  return html`<div class="row spread">
      <p class="sentence">
        <strong>${counted(groups.length, "cause")}</strong>,
        ${counted(total, "letter")}!${isEmptyFilter(filter) ? "" : html` <small>of ${filterWords(filter)}</small>`}
      </p>
      !${all}
    </div>
    <table class="cards">
      <thead>
        <tr>
          !${["Letters", "Job", "Why", "Last call to each provider", "First", "Latest", ""].map((head) => html`<th scope="col">!${head === "" ? html`<span class="visually-hidden">Actions</span>` : head}</th>`)}
        </tr>
      </thead>
      <tbody>
        !${rows}
      </tbody>
    </table>
    !${more}`;
}

function groupRow(group: LetterGroup, filter: LetterFilter): string {
  const href = `/dead-letters${filterQuery({ ...filter, group: [group.group] })}`;
  const plan = `/dead-letters/plan${filterQuery({ ...filter, group: [group.group] })}`;
  return html`<tr data-row>
    <td data-label="Letters" class="number">
      <a href="${href}"
        >${count(group.count)}<span class="visually-hidden"> letters: ${group.job} ${group.cause}</span></a
      >
    </td>
    <th scope="row" data-label="Job">${group.job} !${group.isMoney ? pill("money") : ""}</th>
    <td data-label="Why" class="why">!${causePill(group.cause)} !${effectPill(group.effect)}</td>
    <td data-label="Last calls">!${failures(group.failures)}</td>
    <td data-label="First">!${when(group.oldestAt)}</td>
    <td data-label="Latest">!${when(group.newestAt)}</td>
    <td class="actions">
      <a class="button quiet" href="${plan}"
        >Plan<span class="visually-hidden"> ${group.job} ${group.cause}</span></a
      >
    </td>
  </tr>`;
}

export function causePill(cause: string): string {
  return pill(cause, cause === "ambiguous" ? "warn" : "bad");
}

export function effectPill(effect: string): string {
  return effect === "maybe" ? pill("effect unknown", "warn") : pill("no effect");
}

function failures(all: LetterSummary["failures"]): string {
  if (all.length === 0) return html`<span class="nought">no call</span>`;
  return all
    .map(({ provider, code }) => html`<span class="hop">${provider} <code>${code}</code></span>`)
    .join(" ");
}

function letterList(page: LetterPage, filter: LetterFilter, query: Query): string {
  if (page.letters.length === 0 && page.next === undefined)
    return query["after"] === undefined
      ? ""
      : html`<p class="empty">
          There is no more: the letters of this page were redriven or discarded.
          <a href="/dead-letters${filterQuery(filter)}">To the first page</a>
        </p>`;
  const next =
    page.next === undefined
      ? ""
      : html`<a class="button" rel="next" href="/dead-letters${filterQuery(filter, { after: page.next })}"
          >Older</a
        >`;
  const first =
    query["after"] === undefined
      ? ""
      : html`<a class="button" href="/dead-letters${filterQuery(filter)}">Newest</a>`;
  const read =
    page.read === undefined
      ? ""
      : html`<p class="note">${counted(page.read, "letter")} read for this page.</p>`;
  return html`<section aria-labelledby="letters-title">
    <h2 id="letters-title">Letters</h2>
    <form action="/dead-letters/plan" id="ticked">
      <table class="cards letters">
        <thead>
          <tr>
            <th scope="col"><span class="visually-hidden">Tick</span></th>
            !${["Died", "Job", "Why", "Last calls", "Reason"].map((head) => html`<th scope="col">${head}</th>`)}
          </tr>
        </thead>
        <tbody>
          !${page.letters.map(letterRow)}
        </tbody>
      </table>
      <div class="row">
        <button>Plan the ticked ones <span data-ticked></span></button>!${first}!${next}
      </div>
      !${read}
    </form>
    !${cliBlock(bulkCommand("ls", { filter }))}
  </section>`;
}

function letterRow(letter: LetterSummary): string {
  const href = `/dead-letters/${encodeURIComponent(letter.id)}`;
  return html`<tr data-row>
    <td class="tick">
      <input type="checkbox" name="id" value="${letter.id}" aria-label="Tick ${letter.id}" />
    </td>
    <td data-label="Died">!${when(letter.diedAt)}</td>
    <th scope="row" data-label="Job">
      <a href="${href}">${letter.job}</a>
      <small class="id">${shortId(letter.id)}</small>
      !${letter.isMoney ? pill("money") : ""}!${letter.redrives > 0 ? pill(`redriven ${letter.redrives}×`, "warn") : ""}
    </th>
    <td data-label="Why" class="why">!${causePill(letter.cause)} !${effectPill(letter.effect)}</td>
    <td data-label="Last calls">!${failures(letter.failures)}</td>
    <td data-label="Reason" class="reason">
      <div class="clamp" title="${letter.reason}">${letter.reason}</div>
    </td>
  </tr>`;
}

function shortId(id: string): string {
  return `…${id.slice(-8)}`;
}
