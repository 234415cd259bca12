import * as z from "zod";

import { type FakeAnswer, type FakeRequest, httpSandbox } from "../sandbox/http-sandbox.ts";
import type { Sandbox } from "../sandbox/sandbox.ts";
import { createSeenEvents } from "../sandbox/seen-events.ts";
import { parseJson } from "../transport/classify.ts";
import { isPlaceholder } from "./event.ts";
import { mixpanel } from "./provider.ts";

/** Judges `POST /import?strict=1` as https://docs.mixpanel.com/reference/import-events describes it, event by event. */
export const mixpanelSandbox: Sandbox = {
  provider: mixpanel.name,
  start: (options) =>
    httpSandbox({
      provider: mixpanel.name,
      config: mixpanel.sandboxConfig,
      answer: createFake(),
      refusal: (status) => failure(status, `status ${status}`),
    }).start(options),
};

const { username, secret, projectId } = mixpanel.sandboxConfig;
const credentials = Buffer.from(`${username}:${secret}`).toString("base64");

const id = z.string().refine((text) => !isPlaceholder(text));
const event = z.strictObject({
  event: z
    .string()
    .min(1)
    .regex(/^(?!refuse-me$)/u),
  properties: z
    .looseObject({
      time: z.int().min(365 * 86_400),
      distinct_id: id,
      $insert_id: id.regex(/^[\da-z-]{1,36}$/iu),
      understudy_job_id: z.string().optional(),
    })
    .refine((properties) => Object.keys(properties).length < 255),
});

function createFake(): (request: FakeRequest) => FakeAnswer {
  const take = createSeenEvents();

  return ({ method, path, query, headers, body }) => {
    if (method !== "POST" || path !== "/import") return refuse(404, "not found");
    if (headers.authorization !== `Basic ${credentials}` || query.get("project_id") !== projectId)
      return refuse(401, "Invalid credentials");
    if (body.length > 10_000_000) return refuse(413, "request exceeds max limit of 10000000 bytes");
    const sent = z.array(z.unknown()).min(1).max(2000).safeParse(parseJson(body.toString())).data;
    if (sent === undefined || query.get("strict") !== "1") return refuse(400, "malformed request");
    return judge(sent);
  };

  function judge(sent: readonly unknown[]): FakeAnswer {
    const failed: object[] = [];
    const good = sent.flatMap((one, index) => {
      const parsed = event.safeParse(one);
      if (parsed.success) return [parsed.data];
      const field = parsed.error.issues[0]?.path.join(".") ?? "";
      failed.push({ index, field, message: `'${field}' is invalid` });
      return [];
    });
    const effects = take(
      good.map(
        ({ event: name, properties: { time, distinct_id, $insert_id, understudy_job_id: jobId } }) => ({
          key: JSON.stringify([name, time, distinct_id, $insert_id]),
          note: { jobId, eventId: $insert_id },
        }),
      ),
    );
    const num_records_imported = good.length;
    if (failed.length === 0)
      return { status: 200, body: { code: 200, num_records_imported, status: "OK" }, ...effects };
    const words = "some data points in the request failed validation";
    const told = { ...failure(400, words), num_records_imported, failed_records: failed };
    return { status: 400, body: told, ...effects };
  }
}

function refuse(status: number, error: string): FakeAnswer {
  return { status, body: failure(status, error) };
}

function failure(code: number, error: string): object {
  return { code, error, status: "error" };
}
