import { createPublicKey, type KeyObject, randomUUID, verify } from "node:crypto";

import * as z from "zod";

import { type FakeAnswer, type FakeRequest, httpSandbox } from "../sandbox/http-sandbox.ts";
import type { Sandbox } from "../sandbox/sandbox.ts";
import { createSeenEvents } from "../sandbox/seen-events.ts";
import { parseJson } from "../transport/classify.ts";
import { privateKeyOf } from "./key.ts";
import { snowflake } from "./provider.ts";
import { fingerprintOf } from "./token.ts";

/**
 * Judges `POST /api/v2/statements` as https://docs.snowflake.com/en/developer-guide/sql-api/reference describes it. It knows
 * no SQL: of the one statement that it is sent it looks at the table and at what is bound.
 */
export const snowflakeSandbox: Sandbox = {
  provider: snowflake.name,
  start: (options) =>
    httpSandbox({
      provider: snowflake.name,
      config: snowflake.sandboxConfig,
      answer: createFake(),
      refusal: (status) => ({ code: "000000", message: `status ${status}` }),
    }).start(options),
};

const { account, user, privateKey, privateKeyPassphrase, warehouse, database } = snowflake.sandboxConfig;
const subject = `${account}.${user}`.toUpperCase();
const table = `MERGE INTO "${database}"."PUBLIC"."EVENTS" `;

const statement = z.object({
  statement: z.string().startsWith("MERGE INTO "),
  warehouse: z.string(),
  database: z.string(),
  schema: z.string(),
  timeout: z.int().nonnegative(),
  bindings: z.strictObject({ 1: z.strictObject({ type: z.literal("TEXT"), value: z.string() }) }),
});
const rows = z.array(z.object({ id: z.string(), at: z.iso.datetime(), jobId: z.string() }));
const claims = z.object({ iss: z.string(), sub: z.string(), iat: z.number(), exp: z.number() });

function createFake(): (request: FakeRequest) => FakeAnswer {
  const take = createSeenEvents();
  const answered = new Map<string, FakeAnswer>();
  const opened = privateKeyOf(privateKey ?? "", privateKeyPassphrase);
  if (!opened.ok) throw new Error("The fake's own key is spoiled.");
  const key = createPublicKey(opened.key);
  const issuer = `${subject}.${fingerprintOf(opened.key)}`;

  return (request) => {
    const { method, path, query, headers, body } = request;
    if (method !== "POST" || path !== "/api/v2/statements") return refuse(404, "390404", "Not Found");
    const kind = headers["x-snowflake-authorization-token-type"];
    if (kind !== "KEYPAIR_JWT" || !isGenuine(headers.authorization ?? "", key, issuer))
      return refuse(401, "390144", "JWT token is invalid.");
    if (headers["user-agent"] === undefined)
      return refuse(400, "391903", "The User-Agent header is missing.");
    const requestId = query.get("requestId") ?? "";
    if (!z.uuid().safeParse(requestId).success) return refuse(400, "391904", "The request id is no UUID.");
    const before = query.get("retry") === "true" ? answered.get(requestId) : undefined;
    if (before !== undefined) return before;
    const answer = execute(body);
    const { effect: _, ...repeated } = answer;
    if (answer.status === 200) answered.set(requestId, { ...repeated, isReplay: true });
    return answer;
  };

  function execute(body: Buffer): FakeAnswer {
    const sent = statement.safeParse(parseJson(body.toString())).data;
    if (sent === undefined) return refuse(400, "391917", "The request body is invalid.");
    if (sent.warehouse !== warehouse) return failed("000606", "57P03", "No active warehouse selected.");
    if (!sent.statement.startsWith(table))
      return failed("002003", "42S02", "The table does not exist or is not authorized.");
    const bound = rows.safeParse(parseJson(sent.bindings[1].value)).data;
    if (bound === undefined) return failed("100069", "22P02", "Error parsing JSON.");
    const effects = take(bound.map(({ id, jobId }) => ({ key: id, note: { jobId, eventId: id } })));
    const inserted = [effects.effect].flat().length;
    return { status: 200, body: resultOf(inserted), ...effects };
  }
}

/** As https://docs.snowflake.com/en/developer-guide/sql-api/authenticating has it. */
function isGenuine(authorization: string, key: KeyObject, issuer: string): boolean {
  const [, signed, payload = "", signature = ""] =
    /^Bearer ([\w-]+\.([\w-]+))\.([\w-]+)$/u.exec(authorization) ?? [];
  if (signed === undefined) return false;
  const said = claims.safeParse(parseJson(Buffer.from(payload, "base64url").toString())).data;
  if (said === undefined || said.iss !== issuer || said.sub !== subject) return false;
  const now = Date.now() / 1000;
  const isFresh = said.iat <= now + 60 && said.exp > now && said.exp - said.iat <= 3600;
  return isFresh && verify("RSA-SHA256", Buffer.from(signed), key, Buffer.from(signature, "base64url"));
}

function resultOf(inserted: number): object {
  return {
    code: "090001",
    sqlState: "00000",
    message: "Statement executed successfully.",
    statementHandle: randomUUID(),
    resultSetMetaData: {
      numRows: 1,
      format: "jsonv2",
      rowType: [{ name: "number of rows inserted", type: "FIXED", nullable: false }],
    },
    data: [[String(inserted)]],
    stats: { numRowsInserted: inserted },
  };
}

function refuse(status: number, code: string, message: string): FakeAnswer {
  return { status, body: { code, message } };
}

function failed(code: string, sqlState: string, message: string): FakeAnswer {
  return { status: 422, body: { code, sqlState, message, statementHandle: randomUUID() } };
}
