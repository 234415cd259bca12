import { announceWorker, retireWorker } from "@understudy/queue";
import { startFaultProxy, until } from "@understudy/testkit";
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest";

import { type Answer, delivered, failing, scripted } from "../testing/jobs.ts";
import { newStage, type Stage, type Visitor } from "../testing/stage.ts";

let stage: Stage;
let operator: Visitor;
let money: Visitor;
let alpha: () => Answer;
beforeAll(async () => {
  stage = await newStage();
  operator = await stage.as("operator");
  money = await stage.as("money-operator");
  alpha = refuse;
  stage.serve([scripted("alpha", () => alpha()), scripted("beta", delivered)]);
});
afterAll(async () => stage.close());

const refuse = (): Answer => failing("rejected", "http_400", "no such mailbox");
const dies = (payload: Readonly<Record<string, string>> = {}): Promise<string> => stage.dies("note", payload);
const completes = (id: string): Promise<unknown> =>
  until(`${id} completed`, async () => (await stage.placeOf(id)) === "completed");
const text = async (who: Visitor, path: string): Promise<string> => await (await who.get(path)).text();

describe("the list of dead letters", () => {
  test("groups what died of the same, and the address is the filter", async () => {
    await dies();
    await stage.dies("pay", {});
    const all = await text(operator, "/dead-letters");
    expect(all).toContain("2 causes");
    const till = await text(operator, "/dead-letters?queue=till");
    expect(till).toContain("1 cause");
    expect(till).not.toContain('"id note-');
  });

  test.each([
    ["cause=nonsense", "There is no cause"],
    ["from=yesterday", "from is no time"],
    ["from=1h&to=2d", "from is later than to"],
    ["queue=nowhere", "There is no queue"],
    ["after=nonsense", "There is no such page"],
    [`text=${"x".repeat(201)}`, "longer than 200"],
  ])("a filter that makes no sense is told so: %s", async (query, words) => {
    const answer = await operator.get(`/dead-letters?${query}`);
    expect(answer.status).toBe(400);
    expect(await answer.text()).toContain(words);
  });

  test("is paged by what was seen last", async () => {
    await Promise.all(Array.from({ length: 55 }, () => dies({ topic: "many" })));
    const first = await text(operator, "/dead-letters?job=note");
    const next = /href="(\/dead-letters\?[^"]*after[^"]*)"/u
      .exec(first)?.[1]
      ?.replaceAll("&#38;", "&")
      .replaceAll("&#61;", "=");
    expect(next).toBeDefined();
    const second = await text(operator, next ?? "");
    expect(second).toContain("Newest");
    const ids = (page: string): readonly string[] =>
      [...page.matchAll(/name="id"\s+value="([^"]+)"/gu)].map(([, id]) => id ?? "");
    expect(ids(first)).toHaveLength(50);
    expect(ids(second).filter((id) => ids(first).includes(id))).toEqual([]);
  });
});

describe("one dead letter", () => {
  test("says why, when and where, and hides what is sensitive", async () => {
    const id = await dies({ to: "hidden@example.com", text: "nobody reads this", topic: "weather" });
    const page = await text(operator, `/dead-letters/${id}`);
    for (const words of ["http_400", "no such mailbox", "weather", "[hidden]", "What a redrive would do"])
      expect(page).toContain(words);
    for (const secret of ["hidden@example.com", "nobody reads this"]) expect(page).not.toContain(secret);
  });

  test("offers only what can be done, and what the role may", async () => {
    const safe = await dies();
    const page = await text(operator, `/dead-letters/${safe}`);
    expect(page).toContain(`/dead-letters/${safe}/redrive"`);
    expect(page).not.toContain(`/dead-letters/${safe}/release"`);
    alpha = () => failing("ambiguous", "timeout");
    const held = await stage.dies("pay", {});
    alpha = refuse;
    const heldPage = await text(money, `/dead-letters/${held}`);
    expect(heldPage).toContain(`/dead-letters/${held}/release"`);
    expect(heldPage).not.toContain(`/dead-letters/${held}/redrive"`);
    expect(await text(operator, `/dead-letters/${held}`)).toContain("asks for the role money-operator");
    expect((await money.get(`/dead-letters/${held}/redrive`)).status).toBe(409);
  });

  test("goes to the backup when asked, and leads to the job, where it can be watched", async () => {
    const id = await dies();
    expect(await text(operator, `/dead-letters/${id}/redrive`)).toContain("beta");
    const answer = await operator.post(`/dead-letters/${id}/redrive`, {
      reason: "alpha is down",
      provider: "beta",
    });
    expect(answer.headers.get("location")).toBe(`/jobs/${id}`);
    await completes(id);
    const page = await text(operator, `/jobs/${id}`);
    expect(page).toContain("completed");
    expect(page).toContain("alpha is down");
  });

  test("that somebody else redrove or discarded first is gone, and says so", async () => {
    const id = await dies();
    const other = await stage.as("admin");
    expect((await other.post(`/dead-letters/${id}/discard`, { reason: "mine" })).status).toBe(303);
    const answer = await operator.post(`/dead-letters/${id}/redrive`, { reason: "mine" });
    expect(answer.status).toBe(409);
    expect(await answer.text()).toContain("somebody redrove or discarded it");
    expect((await operator.get(`/dead-letters/${id}`)).status).toBe(404);
    expect((await operator.get(`/dead-letters/${id}/redrive`)).status).toBe(404);
  });

  test("that has died anew since the page was shown is left alone", async () => {
    const id = await dies();
    const page = await text(operator, `/dead-letters/${id}/discard`);
    const [, seen = ""] = /name="seen" value="([^"]+)"/u.exec(page) ?? [];
    await stage.operator.redrive(id, { by: { name: "bob", role: "admin" }, reason: "try" });
    await expect.poll(async () => (await stage.operator.letter(id))?.redrives).toBe(1);
    const answer = await operator.post(`/dead-letters/${id}/discard`, { reason: "old", seen });
    expect(answer.status).toBe(409);
    expect(await answer.text()).toContain("has died anew");
    expect(await stage.placeOf(id)).toBe("dead");
  });

  test("without a reason nothing is done", async () => {
    const id = await dies();
    const answer = await operator.post(`/dead-letters/${id}/discard`, { reason: " " });
    expect(answer.status).toBe(400);
    expect(await answer.text()).toContain("reason");
    expect(await stage.placeOf(id)).toBe("dead");
  });

  test("is edited without losing what was hidden", async () => {
    const id = await dies({ to: "kept@example.com", text: "kept text", topic: "old" });
    const page = await text(operator, `/dead-letters/${id}/edit`);
    expect(page).toContain("[hidden]");
    const payload = JSON.stringify({ to: "[hidden]", text: "[hidden]", topic: "new" });
    expect((await operator.post(`/dead-letters/${id}/edit`, { reason: "mended", payload })).status).toBe(303);
    const letter = await stage.operator.letter(id);
    expect(letter?.payload).toMatchObject({ topic: "new" });
    alpha = delivered;
    await operator.post(`/dead-letters/${id}/redrive`, { reason: "mended" });
    await completes(id);
    alpha = refuse;
    const family = await stage.redis.hget(`${stage.space.namespace}:{notes}:notes:${id}`, "data");
    expect(family).toContain("kept@example.com");
    expect(family).toContain("kept text");
  });

  test.each([
    ["no JSON", "{", 409, "not JSON"],
    [
      "a mask elsewhere",
      JSON.stringify({ to: "[hidden]", text: "x", topic: "[hidden]" }),
      400,
      "stands where nothing hidden stood",
    ],
  ])("an edit with %s is refused", async (_, payload, status, words) => {
    const id = await dies();
    const answer = await operator.post(`/dead-letters/${id}/edit`, { reason: "mended", payload });
    expect(answer.status).toBe(status);
    expect(await answer.text()).toContain(words);
  });

  test("an edit of what somebody else has edited since it was shown is refused", async () => {
    const id = await dies({ topic: "first" });
    const shown = JSON.stringify((await stage.operator.letter(id))?.payload);
    const payload = (topic: string): string => JSON.stringify({ to: "[hidden]", text: "[hidden]", topic });
    const post = (topic: string): Promise<Response> =>
      operator.post(`/dead-letters/${id}/edit`, { reason: "mended", payload: payload(topic), shown });
    expect((await post("second")).status).toBe(303);
    const late = await post("third");
    expect(late.status).toBe(409);
    expect(await late.text()).toContain("not the letter any more that you were shown");
  });
});

describe("many at once", () => {
  test("are planned, then started by who typed how many, and the run is shown", async () => {
    const ids = [await dies({ topic: "bulk" }), await dies({ topic: "bulk" })];
    const query = ids.map((id) => `id=${id}`).join("&");
    const plan = await text(operator, `/dead-letters/plan?${query}`);
    expect(plan).toContain("2 letters");
    expect(plan).toContain("safe");
    const fields = { reason: "back again", action: "redrive", perSecond: "50", id: ids[0] ?? "" };
    const wrong = await operator.post("/dead-letters/runs", { ...fields, typed: "7" });
    expect(wrong.status).toBe(409);
    expect(await wrong.text()).toContain("there are 1 now");
    alpha = delivered;
    const right = await operator.post("/dead-letters/runs", { ...fields, typed: "1" });
    expect(right.status).toBe(303);
    await completes(ids[0] ?? "");
    const path = right.headers.get("location") ?? "";
    await until("the run is done", async () => (await text(operator, path)).includes(">done<"));
    alpha = refuse;
    expect(await text(operator, "/dead-letters/runs")).toContain("back again");
  });

  test("a run is stopped and resumed", async () => {
    await Promise.all(Array.from({ length: 6 }, () => dies({ topic: "slow" })));
    const { total } = await stage.operator.plan({ filter: { job: ["note"] } });
    const started = await operator.post("/dead-letters/runs", {
      job: "note",
      reason: "x",
      action: "redrive",
      perSecond: "1",
      typed: String(total),
    });
    const path = started.headers.get("location") ?? "";
    expect((await operator.post(`${path}/stop`, {})).status).toBe(303);
    await until("it stopped", async () => (await text(operator, path)).includes("Resume"));
    expect((await operator.post(`${path}/resume`, {})).status).toBe(303);
    await until("it runs", async () => (await text(operator, path)).includes("Stop"));
    await operator.post(`${path}/stop`, {});
    expect((await operator.get("/dead-letters/runs/nothing")).status).toBe(404);
  });
});

test.each([
  "/queues/notes/bogus",
  "/providers/alpha/bogus",
  "/events?of=bogus",
  "/events",
  "/dead-letters/x/bogus",
  "/dead-letters/runs/x/bogus",
])("%s is no error of ours", async (path) => {
  expect([400, 404]).toContain((await operator.get(path)).status);
  expect([400, 403, 404]).toContain((await operator.post(path, { reason: "x" })).status);
});

test("what is sensitive is hidden where it turns up in a provider's words, too", async () => {
  alpha = () => failing("rejected", "http_400", "no mailbox hidden@example.com");
  const id = await dies({ to: "hidden@example.com" });
  alpha = refuse;
  for (const path of ["/dead-letters", `/dead-letters/${id}`, `/jobs/${id}`, "/dead-letters?text=mailbox"]) {
    const page = await text(operator, path);
    expect([path, page.includes("hidden@example.com")]).toEqual([path, false]);
  }
});

test("a queue is paused with a reason, and resumed", async () => {
  expect((await operator.post("/queues/notes/pause", { reason: "maintenance" })).status).toBe(303);
  expect(await text(operator, "/")).toContain("paused");
  await operator.post("/queues/notes/resume", { reason: "done" });
  expect(await text(operator, "/audit")).toContain("maintenance");
});

describe("a provider", () => {
  beforeAll(async () => stage.announce({ "note.send": ["alpha", "beta"], "note.pay": ["alpha"] }));
  const word = { reason: "it drops mails", capability: "note.send", for: "1h" };

  test("whose circuit is open stands in the sentence at the top, with who does its work, and in the timeline", async () => {
    await stage.circuit({ state: { at: "open", until: Date.now() + 5000 }, reason: "failure_rate" });
    const page = await text(operator, "/");
    expect(page).toContain(
      "alpha note.send: circuit open for less than a minute (failure_rate); 100 % of note.send goes to beta.",
    );
    expect(page).toMatch(/class="open" x="7\d\d/u);
    expect(page).toContain("ops-1:4711:a1b2");
    await stage.circuit({ state: { at: "half_open", share: 0.05 }, reason: "recovering" });
    expect(await text(operator, "/")).toContain("half open: 5 %");
    await stage.circuit({ state: { at: "closed" }, reason: "recovered" });
    expect(await text(operator, "/")).not.toContain("alpha note.send:");
  });

  test("is diverted with a reason and an end, after what comes of it was said, and restored", async () => {
    const confirm = await text(operator, "/providers/alpha/divert?capability=note.send");
    expect(confirm).toContain("No worker sends alpha new work of note.send");
    expect(confirm).toContain("understudy providers divert alpha --capability note.send --for 1h");
    expect(confirm).not.toContain("Nobody is left");
    expect((await operator.post("/providers/alpha/divert", word)).headers.get("location")).toBe("/");
    const page = await text(operator, "/");
    expect(page).toContain("alpha note.send: diverted by operator");
    expect(page).toContain("it drops mails");
    expect(page).toContain('href="/providers/alpha/restore?capability=note.send"');
    const last = await text(operator, "/providers/beta/isolate?capability=note.send");
    expect(last).toContain("Nobody is left to serve note.send");
    expect((await operator.post("/providers/alpha/restore", { ...word, for: "" })).status).toBe(303);
    const again = await operator.post("/providers/alpha/restore", word);
    expect(again.status).toBe(409);
    expect(await again.text()).toContain("Nothing was said of alpha note.send");
    expect(await text(operator, "/audit")).toContain("it drops mails");
  });

  test.each([
    ["nobody", "/providers/gamma/divert", word, "there are alpha, beta"],
    ["an end that was not offered", "/providers/alpha/divert", { ...word, for: "99y" }, "at most 30 days"],
    ["no end", "/providers/alpha/divert", { ...word, for: "" }, "at most 30 days"],
    ["no reason", "/providers/alpha/divert", { ...word, reason: "" }, "needs a reason"],
    [
      "another capability",
      "/providers/beta/divert",
      { ...word, capability: "note.pay" },
      "is on no route of",
    ],
  ])("is told apart from %s", async (_, path, form, words) => {
    const answer = await money.post(path, form);
    expect(answer.status).toBe(400);
    expect(await answer.text()).toContain(words);
  });

  test("may be spoken of as a whole, by whoever may where it moves money", async () => {
    const page = await text(money, "/providers/alpha/isolate");
    expect(page).toContain("No worker calls alpha for note.pay, note.send at all");
    expect(page).toContain("Nobody is left to serve note.pay");
    expect((await money.post("/providers/alpha/isolate", { reason: "x", for: "none" })).status).toBe(303);
    expect(await text(money, "/")).toContain("no end");
    expect(await text(money, "/providers/alpha/restore?capability=note.pay")).toContain("restore all of it");
    expect((await money.post("/providers/alpha/restore", { reason: "x" })).status).toBe(303);
  });

  test("that no live worker has on a route any more is shown while something holds that was said of it", async () => {
    const { redis, space } = stage;
    const about = { id: "w2", host: "h", pid: 2, role: "work", queues: [], circuits: {}, startedAt: 1 };
    const routes = { "note.send": ["gamma"] };
    await announceWorker(redis, space.namespace, { ...about, routes });
    expect((await operator.post("/providers/gamma/isolate", { reason: "harm", for: "1h" })).status).toBe(303);
    await retireWorker(redis, space.namespace, "w2");
    const page = await text(operator, "/");
    expect(page).toContain("gamma is on no route now.");
    expect(page).toContain('href="/providers/gamma/restore"');
    expect((await operator.post("/providers/gamma/restore", { reason: "x" })).status).toBe(303);
    expect(await text(operator, "/")).not.toContain("gamma is on no route");
  });

  test("is restored from what the page showed: what was said meanwhile stays, and the page says so", async () => {
    expect((await operator.post("/providers/alpha/divert", word)).status).toBe(303);
    const path = "/providers/alpha/restore";
    const page = await text(operator, `${path}?capability=note.send`);
    const seen = /name="seen" value="(?<seen>[\d.]+)"/u.exec(page)?.groups?.["seen"] ?? "";
    expect((await operator.post("/providers/alpha/isolate", word)).status).toBe(303);
    const late = await operator.post(path, { ...word, for: "", seen });
    expect(late.status).toBe(409);
    expect(await late.text()).toContain("isolate alpha note.send by operator");
    expect(await text(operator, "/")).toContain("alpha note.send: isolated by operator");
    const fresh = await text(operator, `${path}?capability=note.send`);
    const now = /name="seen" value="(?<seen>[\d.]+)"/u.exec(fresh)?.groups?.["seen"] ?? "";
    expect((await operator.post(path, { ...word, for: "", seen: now })).status).toBe(303);
    expect((await operator.post(path, { ...word, for: "", seen: "x" })).status).toBe(400);
  });
});

test("the audit log is paged, and says whether it can be trusted", async () => {
  const page = await text(operator, "/audit");
  expect(page).toContain("Verified:");
  expect((await operator.get("/audit?before=2")).status).toBe(200);
  expect((await operator.get("/audit?before=nonsense")).status).toBe(200);
});

test("what changes is pushed to the page", async () => {
  const { body } = await operator.get("/events?of=overview");
  const reader = body?.getReader();
  let seen = "";
  const came = await until("the queues came", async () => {
    const chunk = await reader?.read();
    seen += new TextDecoder().decode(chunk?.value);
    return seen.includes("overview-sentence") && seen.includes("notes");
  });
  expect(came).toBe(true);
  await reader?.cancel();
});

describe("without Redis", () => {
  test("pages say so, in words, and come back by themselves", async () => {
    const { port } = new URL(stage.space.redisUrl);
    const proxy = await startFaultProxy({ host: "127.0.0.1", port: Number(port) });
    const away = await newStage({ env: { REDIS_URL: `redis://127.0.0.1:${proxy.port}` } });
    onTestFinished(async () => {
      await proxy.heal();
      await away.close();
      await proxy.close();
    });
    const who = await away.as("viewer");
    expect((await who.get("/")).status).toBe(200);
    for (const fail of [() => proxy.refuse(), () => proxy.silence({ deliver: false })]) {
      fail();
      const answer = await who.get("/dead-letters");
      expect(answer.status).toBe(503);
      const page = await answer.text();
      expect(page).toContain("Redis does not answer");
      expect(page).toContain('http-equiv="refresh"');
      expect((await who.call("GET", "/queues")).status).toBe(503);
      await proxy.heal();
      proxy.cut();
      await until("it is back", async () => (await who.get("/")).status === 200);
    }
  });
});
