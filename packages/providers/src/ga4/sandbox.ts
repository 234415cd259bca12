import * as z from "zod";

import { type FakeAnswer, type FakeRequest, httpSandbox } from "../sandbox/http-sandbox.ts";
import { parseJson } from "../transport/classify.ts";
import { isKept } from "./limits.ts";
import { ga4 } from "./provider.ts";

/** Takes everything as Google Analytics does, and keeps, as often as it comes, what would show in a report. */
export const ga4Sandbox = httpSandbox({
  provider: ga4.name,
  config: ga4.sandboxConfig,
  answer,
  refusal: () => "That’s an error.",
});

const payload = z.object({
  client_id: z.string().min(1),
  user_id: z.string().min(1).optional(),
  events: z
    .array(
      z.object({
        name: z.string(),
        timestamp_micros: z.int().min(1e15),
        params: z.looseObject({
          understudy_event_id: z.string().optional(),
          understudy_job_id: z.string().optional(),
        }),
      }),
    )
    .max(25),
});

function answer({ method, path, query, body }: FakeRequest): FakeAnswer {
  if (method !== "POST" || path !== "/mp/collect") return { status: 404, body: "That’s an error." };
  const { measurementId, apiSecret } = ga4.sandboxConfig;
  const isKnown = query.get("measurement_id") === measurementId && query.get("api_secret") === apiSecret;
  const events = isKnown ? (payload.safeParse(parseJson(body.toString())).data?.events ?? []) : [];
  const effect = events
    .filter((event) => isKept(event) && event.name !== "refuse_me")
    .map(({ params }) => ({
      jobId: params.understudy_job_id,
      ...(params.understudy_event_id !== undefined && { eventId: params.understudy_event_id }),
    }));
  return { status: 204, effect };
}
