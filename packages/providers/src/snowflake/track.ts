import { createHash } from "node:crypto";

import { analyticsTrack, type Implementation } from "@understudy/core";

import { alone } from "../analytics/alone.ts";
import { implementBatch, type TrackBatch, type TrackItem } from "../analytics/batch.ts";
import { SOME_JOB_ID, weightOf, wireBytes } from "../analytics/weight.ts";
import { failureOf } from "../transport/classify.ts";
import { postJson } from "../transport/post-json.ts";
import { answerOf, refusals } from "./answer.ts";
import { privateKeyOf } from "./key.ts";
import { rowsOf, statementFor } from "./statement.ts";
import { createTokens } from "./token.ts";

interface Config {
  readonly account: string;
  readonly user: string;
  readonly privateKey: string;
  readonly privateKeyPassphrase?: string | undefined;
  readonly warehouse: string;
  readonly database: string;
  readonly schema: string;
  readonly table: string;
  readonly role?: string | undefined;
  readonly baseUrl?: string | undefined;
}

/** The one place that names the API's version. */
const PATH = "/api/v2/statements";

/** Snowflake's advice for a statement and what is bound to it: https://docs.snowflake.com/en/user-guide/query-size-limits */
const MAX_KILOBYTES = 1000;

/** Then Snowflake cancels it: below a call's own deadline, so that nothing still runs when it is made again. */
const STATEMENT_SECONDS = 10;

export const track: Implementation<Config, typeof analyticsTrack> = {
  capability: analyticsTrack,
  idempotency: "natural",
  create: (config) => alone(createBatch(config)),
  accepts(request) {
    const rows = rowsOf(request, SOME_JOB_ID);
    return wireBytes(rows) <= MAX_KILOBYTES * 1000 && isText(JSON.stringify(rows));
  },
  batch: {
    maxItems: MAX_KILOBYTES,
    maxBytes: MAX_KILOBYTES * 1000,
    lingerMs: 20,
    weigh: (request) => weightOf(rowsOf(request, SOME_JOB_ID)),
    create: createBatch,
  },
};

/** One event that PARSE_JSON may not read would fail all that are bound with it: NUL, and halves of a character. */
function isText(json: string): boolean {
  return !/\\u(?:0000|d[89a-f])/u.test(json);
}

function createBatch(config: Config): TrackBatch {
  const { account, user, privateKey, privateKeyPassphrase, warehouse, database, schema, table, role } =
    config;
  const answer = privateKeyOf(privateKey, privateKeyPassphrase);
  // The configuration's schema has opened it before.
  if (!answer.ok) throw new TypeError(`${answer.problem.setting} ${answer.problem.message}.`);
  const tokenAt = createTokens({ account, user, key: answer.key });
  const root = config.baseUrl?.replace(/\/+$/u, "") ?? `https://${hostOf(account)}`;
  const context = { warehouse, database, schema, role, timeout: STATEMENT_SECONDS };
  const statement = statementFor([database, schema, table]);

  return implementBatch("snowflake", [privateKey, privateKeyPassphrase ?? ""], async (items, signal) => {
    const rows = items.flatMap(({ request, jobId }) => rowsOf(request, jobId));
    const carried = await postJson(
      `${root}${PATH}?requestId=${requestIdOf(items)}&retry=true`,
      {
        authorization: `Bearer ${tokenAt(Date.now())}`,
        "x-snowflake-authorization-token-type": "KEYPAIR_JWT",
        accept: "application/json",
        // Without one, Snowflake refuses the request.
        "user-agent": "understudy/0.1",
      },
      { statement, ...context, bindings: { "1": { type: "TEXT", value: JSON.stringify(rows) } } },
      signal,
    );
    return answerOf(carried.reply, items) ?? failureOf(carried, signal, refusals);
  });
}

/** Underscores are hyphens in the address: https://docs.snowflake.com/en/user-guide/organizations-connect */
function hostOf(account: string): string {
  return `${account.toLowerCase().replaceAll("_", "-")}.snowflakecomputing.com`;
}

/** The same for the same jobs: of a request that comes again, Snowflake says what became of the first. */
function requestIdOf(items: readonly TrackItem[]): string {
  const keys = items.map(({ idempotencyKey }) => idempotencyKey);
  const hex = createHash("sha256").update(JSON.stringify(keys)).digest("hex");
  // Version 8 of https://www.rfc-editor.org/rfc/rfc9562: made by a rule of one's own.
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-8${hex.slice(13, 16)}-8${hex.slice(17, 20)}-${hex.slice(20, 32)}`;
}
