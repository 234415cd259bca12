import { misbehaving } from "@understudy/testkit";
import { expect, test } from "vitest";

import { axiosAdapter } from "./axios-adapter.ts";
import { carry, sendCarried } from "./carry.ts";

const never = new AbortController().signal;

test("an SDK that asks twice is heard once", async () => {
  await using server = await misbehaving({ does: "reset" });
  const ask = () => sendCarried({ method: "POST", url: server.url, headers: {} });
  const carried = await carry(never, () => ask().catch(ask));
  expect(carried).toMatchObject({ requests: 2, reply: { at: "lost", sent: true, code: "ECONNRESET" } });
  expect(carried.threw).toMatchObject({ message: "Refused: at most one request leaves per call." });
  expect(server.requests).toHaveLength(1);
});

test("an SDK that throws before it asks has sent nothing", async () => {
  const carried = await carry(never, () => Promise.reject(new Error("bad input")));
  expect(carried).toMatchObject({ requests: 0, threw: new Error("bad input") });
  expect(carried).not.toHaveProperty("reply");
});

test("calls at the same time keep their signals and answers apart", async () => {
  await using one = await misbehaving({ does: "hang" });
  await using other = await misbehaving({ does: "answer", status: 200, body: "{}" });
  const control = new AbortController();
  const hanging = carry(control.signal, () => axiosAdapter({ baseURL: one.url, url: "/a", method: "post" }));
  const served = await carry(never, () => axiosAdapter({ baseURL: other.url, url: "/b", method: "post" }));
  await one.received();
  control.abort();
  expect(await hanging).toMatchObject({ requests: 1, reply: { at: "lost", code: "ABORTED" } });
  expect(served).toMatchObject({ requests: 1, reply: { at: "answered", status: 200 } });
});

test("outside a carried call nothing is sent", async () => {
  await expect(sendCarried({ method: "GET", url: "http://127.0.0.1:9", headers: {} })).rejects.toThrow(
    "outside",
  );
});
