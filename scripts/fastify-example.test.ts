import { createClient } from "@understudy/client";
import { expect, inject, onTestFinished, test } from "vitest";

import { createApp } from "../examples/fastify.ts";

const ada = { email: "ada@example.com", name: "Ada" };

function appOn(redis: string): ReturnType<typeof createApp> {
  const client = createClient({ redis, namespace: "fastify-example", deadlineMs: 300 });
  onTestFinished(() => client.close());
  return createApp(client);
}

test("a sign-up is one mail, however often it is sent", async () => {
  const app = appOn(inject("redisUrl"));
  const send = async (payload: object): Promise<unknown> => {
    const answer = await app.inject({ method: "POST", url: "/sign-up", payload });
    return { code: answer.statusCode, ...answer.json<object>() };
  };
  expect(await send(ada)).toMatchObject({ code: 202, status: "created" });
  expect(await send(ada)).toMatchObject({ code: 202, status: "duplicate" });
  expect(await send({ ...ada, name: "Eve" })).toMatchObject({ code: 409, status: "conflict" });
  expect(await send({ ...ada, email: "nobody" })).toMatchObject({
    code: "payload_invalid",
    message: expect.stringContaining("to: "),
  });
});

test("without Redis it answers 503, and does not hang", async () => {
  const answer = await appOn("redis://127.0.0.1:1").inject({ method: "POST", url: "/sign-up", payload: ada });
  expect(answer.statusCode).toBe(503);
  expect(answer.json()).toMatchObject({ code: "redis_unreachable" });
});
