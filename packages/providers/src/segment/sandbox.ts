import * as z from "zod";

import { type FakeAnswer, type FakeRequest, httpSandbox } from "../sandbox/http-sandbox.ts";
import type { Sandbox } from "../sandbox/sandbox.ts";
import { createSeenEvents } from "../sandbox/seen-events.ts";
import { parseJson } from "../transport/classify.ts";
import { segment } from "./provider.ts";

/** Takes `POST /v1/batch` as unseen as Segment does, and keeps what would be left after it has looked. */
export const segmentSandbox: Sandbox = {
  provider: segment.name,
  start: (options) =>
    httpSandbox({
      provider: segment.name,
      config: segment.sandboxConfig,
      answer: createFake(),
      refusal: (status) => ({ success: false, message: `status ${status}` }),
    }).start(options),
};

const request = z.object({ batch: z.array(z.unknown()) });

const event = z
  .object({
    type: z.literal("track"),
    messageId: z.string().min(1).max(99),
    event: z.string().min(1),
    userId: z.string().min(1).optional(),
    anonymousId: z.string().min(1).optional(),
    timestamp: z.iso.datetime(),
    properties: z.record(z.string(), z.unknown()),
    context: z.object({ understudy: z.object({ jobId: z.string() }) }).partial(),
  })
  .refine(({ userId, anonymousId }) => userId !== undefined || anonymousId !== undefined);

function createFake(): (request: FakeRequest) => FakeAnswer {
  const take = createSeenEvents();
  const credentials = Buffer.from(`${segment.sandboxConfig["writeKey"]}:`).toString("base64");

  return ({ method, path, headers, body }) => {
    if (method !== "POST" || path !== "/v1/batch") return { status: 404, body: "Not Found" };
    if (!headers.authorization?.startsWith("Basic ")) return refuse("An invalid write key was provided");
    if (body.length > 500_000) return refuse("Request too large");
    const sent = request.safeParse(parseJson(body.toString())).data?.batch;
    if (sent === undefined) return refuse("Malformed JSON");
    if (sent.some((one) => Buffer.byteLength(JSON.stringify(one)) > 32_000)) return refuse("Event too large");
    const whole = sent.flatMap((one) => event.safeParse(one).data ?? []);
    if (whole.some((one) => one.event === "refuse-me")) return refuse("Invalid event");
    const isKnown = headers.authorization === `Basic ${credentials}`;
    const kept = isKnown && sent.length <= 2500 ? whole : [];
    const effects = take(
      kept.map(({ messageId, context }) => ({
        key: messageId,
        note: { jobId: context.understudy?.jobId, eventId: messageId },
      })),
    );
    return { status: 200, body: { success: true }, ...effects };
  };
}

function refuse(message: string): FakeAnswer {
  return { status: 400, body: { success: false, message } };
}
