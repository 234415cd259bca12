import { familyOf, keyOf } from "@understudy/queue";
import { until } from "@understudy/testkit";
import { afterAll, beforeAll, describe, expect, test } from "vitest";

import { type Answer, delivered, failing, scripted } from "../testing/jobs.ts";
import { newStage, type Stage, type Visitor } from "../testing/stage.ts";

const secrets = ["hidden@example.com", "nobody may read this"];
let stage: Stage;
let operator: Visitor;
let admin: Visitor;
let answer: () => Answer;
beforeAll(async () => {
  stage = await newStage();
  operator = await stage.as("operator");
  admin = await stage.as("admin");
  answer = refuse;
  stage.serve([scripted("alpha", () => answer())]);
});
afterAll(async () => stage.close());

const refuse = (): Answer => failing("rejected", "http_400", `no mailbox ${secrets[0]}`);
const dies = (): Promise<string> => stage.dies("note", { to: secrets[0] ?? "", text: secrets[1] ?? "" });

interface Shown {
  readonly name: string;
  readonly readOnlyMode: boolean;
  readonly allowRetries: boolean;
  readonly hasWorkers: boolean | null;
  readonly jobs: readonly { readonly id: string; readonly data: unknown }[];
}

async function queues(who: Visitor, query = ""): Promise<readonly Shown[]> {
  const response = await who.call("GET", `/queues${query}`);
  expect(response.status).toBe(200);
  return ((await response.json()) as { readonly queues: readonly Shown[] }).queues;
}

describe("the board shows", () => {
  test("each family with its dead letters, also one that is new", async () => {
    await dies();
    expect((await queues(operator)).map(({ name }) => name)).toEqual(["notes", "notes.dead"]);
    await stage.dies("pay", {});
    expect((await queues(operator)).map(({ name }) => name)).toContain("till.dead");
  });

  test("nothing that is sensitive: not in data, reasons, traces, options or logs", async () => {
    const id = await dies();
    for (const path of [
      "/queues?activeQueue=notes.dead&status=failed",
      `/queues/notes.dead/${id}`,
      `/queues/notes.dead/${id}/logs`,
      `/queues/notes.dead/${id}/flow`,
    ]) {
      const text = await (await operator.call("GET", path)).text();
      for (const secret of secrets) expect([path, text.includes(secret)]).toEqual([path, false]);
    }
    const shown = await (await operator.call("GET", `/queues/notes.dead/${id}`)).text();
    expect(shown).toContain("[hidden]");
    expect(shown).toContain("no mailbox [hidden]");
    expect(shown).toContain("news");
  });

  test("nothing at all of the payload of a job that it does not know", async () => {
    const family = familyOf("notes", stage.space.namespace);
    await stage.redis.hset(keyOf(family, "name", "strange-1"), {
      name: "strange",
      data: JSON.stringify({ payload: { secret: "swordfish" } }),
      opts: "{}",
      timestamp: "1",
      failedReason: "bad swordfish",
    });
    await stage.redis.zadd(keyOf(family, "name", "completed"), Date.now(), "strange-1");
    const text = await (await operator.call("GET", "/queues/notes/strange-1")).text();
    expect(text).toContain("strange");
    expect(text).not.toContain("swordfish");
  });

  test("a job whose data is no JSON, and all others beside it", async () => {
    const id = await dies();
    const family = familyOf("notes", stage.space.namespace);
    await stage.redis.hset(keyOf(family, "dead", "broken-1"), {
      name: "note",
      data: "{not json",
      opts: "{}",
      timestamp: "1",
    });
    await stage.redis.zadd(keyOf(family, "dead", "failed"), Date.now() + 1000, "broken-1");
    const shown = (await queues(operator, "?activeQueue=notes.dead&status=failed")).find(
      ({ name }) => name === "notes.dead",
    );
    expect(shown?.jobs.map((job) => job.id)).toEqual(expect.arrayContaining([id, "broken-1"]));
    expect(JSON.stringify(shown?.jobs)).not.toContain("{not json");
    expect((await operator.call("GET", "/queues/notes.dead/broken-1")).status).toBe(200);
    await stage.redis.zrem(keyOf(family, "dead", "failed"), "broken-1");
  });

  test("only the buttons that the role may press", async () => {
    const buttons = async (who: Visitor, queue: string) => {
      const shown = (await queues(who)).find(({ name }) => name === queue);
      return [shown?.readOnlyMode, shown?.allowRetries];
    };
    const viewer = await stage.as("viewer");
    expect(await buttons(viewer, "notes.dead")).toEqual([true, false]);
    expect(await buttons(operator, "notes.dead")).toEqual([false, true]);
    expect(await buttons(operator, "till.dead")).toEqual([true, false]);
    expect(await buttons(await stage.as("money-operator"), "till.dead")).toEqual([false, true]);
    expect(await buttons(operator, "notes")).toEqual([true, false]);
  });

  test("no page of Google's", async () => {
    const page = await (await operator.get("/board")).text();
    expect(page).toContain("root");
    expect(page).not.toContain("googleapis");
  });
});

describe("Retry", () => {
  test("on a dead letter is a redrive, with its trail and a line in the audit log", async () => {
    const id = await dies();
    answer = delivered;
    expect((await operator.call("PUT", `/queues/notes.dead/${id}/retry`)).status).toBe(204);
    await until("it completed", async () => (await stage.placeOf(id)) === "completed");
    answer = refuse;
    const { entries } = await stage.operator.audit();
    expect(entries.find(({ subject }) => subject === id)).toMatchObject({
      by: "operator",
      action: "redrive",
      reason: "Bull Board: retry",
    });
    const again = await operator.call("PUT", `/queues/notes.dead/${id}/retry`);
    expect(again.status).toBe(409);
    expect(await again.text()).toContain("gone");
  });

  test("on a payment of unknown fate is refused, and says what to do", async () => {
    answer = () => failing("ambiguous", "timeout");
    const id = await stage.dies("pay", {});
    answer = delivered;
    const response = await (await stage.as("money-operator")).call("PUT", `/queues/till.dead/${id}/retry`);
    expect(response.status).toBe(409);
    expect(await response.text()).toContain("look it up or release it");
    expect(await stage.placeOf(id)).toBe("dead");
    answer = refuse;
  });

  test("of a payment asks for the role", async () => {
    const id = await stage.dies("pay", {});
    expect((await operator.call("PUT", `/queues/till.dead/${id}/retry`)).status).toBe(403);
    expect(await stage.placeOf(id)).toBe("dead");
  });

  test("all starts a run that is paced and can be watched", async () => {
    const ids = [await dies(), await dies(), await dies()];
    answer = delivered;
    const response = await operator.call("PUT", "/queues/notes.dead/retry/failed");
    expect(response.status).toBe(200);
    for (const id of ids)
      await until(`${id} completed`, async () => (await stage.placeOf(id)) === "completed");
    answer = refuse;
    expect((await stage.operator.runs())[0]).toMatchObject({
      action: "redrive",
      by: "operator",
      perSecond: 10,
    });
  });

  test("of what completed is refused: its effect would happen twice", async () => {
    const id = await dies();
    answer = delivered;
    await operator.call("PUT", `/queues/notes.dead/${id}/retry`);
    await until("it completed", async () => (await stage.placeOf(id)) === "completed");
    answer = refuse;
    expect((await admin.call("PUT", `/queues/notes/${id}/retry`)).status).toBe(409);
    expect((await admin.call("PUT", "/queues/notes/retry/completed")).status).toBe(403);
    expect(await stage.placeOf(id)).toBe("completed");
  });
});

describe("what can harm evidence is refused by the server, whoever asks", () => {
  test.each([
    ["PUT", "/queues/notes.dead/clean/failed", undefined],
    ["PUT", "/queues/notes.dead/empty", undefined],
    ["PUT", "/queues/notes.dead/obliterate", { force: true }],
    ["PUT", "/queues/notes.dead/ID/clean", undefined],
    ["PUT", "/queues/notes.dead/ID/promote", undefined],
    ["PATCH", "/queues/notes.dead/ID/update-data", { jobData: {} }],
    ["POST", "/queues/notes.dead/add", { name: "note", data: {}, options: {} }],
    ["PATCH", "/queues/notes/ID/update-data", { jobData: {} }],
    ["PUT", "/queues/till/obliterate", { force: true }],
    ["PUT", "/queues/till/clean/completed", undefined],
    ["PUT", "/queues/till/promote", undefined],
    ["POST", "/queues/till/add", { name: "pay", data: {}, options: {} }],
    ["POST", "/queues/notes/add", { name: "note", data: { to: "[hidden]" }, options: {} }],
    ["PUT", "/queues/NOTES.dead/obliterate", undefined],
    ["PUT", "/queues/notes%2edead/obliterate", { force: true }],
  ])("%s %s", async (method, path, body) => {
    const id = await dies();
    const response = await admin.call(method, path.replace("ID", id), body);
    expect([403, 404]).toContain(response.status);
    expect(await stage.placeOf(id)).toBe("dead");
  });

  test("and is written down", async () => {
    await admin.call("PUT", "/queues/notes.dead/empty");
    const [entry] = (await stage.operator.audit({ limit: 1 })).entries;
    expect(entry).toMatchObject({ by: "admin", subject: "notes.dead" });
    expect(entry?.result).toMatch(/^refused/u);
  });

  test("an operator may not either, on any queue", async () => {
    for (const path of [
      "/queues/notes/empty",
      "/queues/notes/obliterate",
      "/queues/notes/clean/completed",
      "/queues/notes/promote",
    ])
      expect((await operator.call("PUT", path)).status).toBe(403);
  });

  test("an administrator may, where no money moves, and it is written down", async () => {
    expect((await admin.call("PUT", "/queues/notes/empty")).status).toBe(200);
    const [entry] = (await stage.operator.audit({ limit: 1 })).entries;
    expect(entry).toMatchObject({ by: "admin", subject: "notes", action: "board PUT /empty" });
  });
});

test("Pause goes by our guard: the role, the audit log", async () => {
  expect((await (await stage.as("viewer")).call("PUT", "/queues/notes/pause")).status).toBe(403);
  expect((await operator.call("PUT", "/queues/till/pause")).status).toBe(403);
  expect((await operator.call("PUT", "/queues/notes/pause")).status).toBe(200);
  expect((await stage.operator.queues()).find(({ name }) => name === "notes")?.isPaused).toBe(true);
  expect((await operator.call("PUT", "/queues/resume")).status).toBe(200);
  expect((await stage.operator.queues()).find(({ name }) => name === "notes")?.isPaused).toBe(false);
});
