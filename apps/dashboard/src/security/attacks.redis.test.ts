import { connect } from "node:net";

import { afterAll, beforeAll, describe, expect, test } from "vitest";

import { failing, scripted } from "../testing/jobs.ts";
import { newStage, type Stage, type Visitor, visitor } from "../testing/stage.ts";

const script = `<script>document.title="owned"</script><img src=x onerror=alert(1)>`;
let stage: Stage;
let operator: Visitor;
let letter: string;
let payment: string;
beforeAll(async () => {
  stage = await newStage();
  operator = await stage.as("operator");
  stage.serve([scripted("alpha", () => failing("rejected", "http_400", `${script} for victim@example.com`))]);
  await stage.announce({ "note.send": ["alpha", "beta"], "note.pay": ["alpha"] });
  letter = await stage.dies("note", { topic: script, to: "victim@example.com" });
  payment = await stage.dies("pay", {});
});
afterAll(async () => stage.close());

const nobody = (): Visitor => visitor(stage.url, "");
const why = { reason: "because" };
const said = async (): Promise<readonly unknown[]> =>
  (await stage.operator.providers()).flatMap(({ capabilities }) =>
    capabilities.flatMap(({ directive }) => directive ?? []),
  );

describe("without a session", () => {
  test.each([
    "/",
    "/dead-letters",
    "/dead-letters/plan",
    "/audit",
    "/board",
    "/board/",
    "/board/queue/notes",
    "/providers/alpha/isolate",
    "/nothing",
  ])("%s leads to the sign-in", async (path) => {
    const answer = await nobody().get(path);
    expect(answer.status).toBe(303);
    expect(answer.headers.get("location")).toMatch(/^\/sign-in/u);
  });

  test.each([
    "/board/api/queues",
    "/board/api/queues/notes/x",
    "/board/static/js/main.js",
    "/events?of=overview",
    "//board/api/queues",
    "/board//api/queues",
    "/./board/api/queues",
    "/board/%2e%2e/board/api/queues",
    "/board/api/queues%2f",
    "/BOARD/api/queues",
    "/sign-in/../board/api/queues",
    "/assets/..%2f..%2fconfig.ts",
    "/assets/%2e%2e%2fmain.ts",
    "/board/static/..%2f..%2f..%2fpackage.json",
  ])("%s tells nothing", async (path) => {
    const { status, body } = await raw(path);
    expect([path, [303, 401, 404, 400].includes(status)]).toEqual([path, true]);
    expect(body).not.toMatch(/"queues"|readConfig|"version"|startDashboard/u);
  });

  test("no cookie that was made up opens anything", async () => {
    for (const value of ["x", "a".repeat(43), "../../x", "%00", "*"])
      expect((await visitor(stage.url, `understudy=${value}`).get("/")).status).toBe(303);
  });

  test("a change is refused, and not done", async () => {
    expect((await nobody().post(`/dead-letters/${letter}/discard`, why)).status).toBe(401);
    expect((await nobody().call("PUT", `/queues/notes.dead/${letter}/retry`)).status).toBe(401);
    expect((await nobody().post("/providers/alpha/isolate", { ...why, for: "1h" })).status).toBe(401);
    expect(await stage.placeOf(letter)).toBe("dead");
    expect(await said()).toEqual([]);
  });

  test("what is public is few, and says nothing", async () => {
    expect(await (await nobody().get("/healthz")).json()).toEqual({ isReady: true });
    expect(await (await nobody().get("/sign-in")).text()).not.toContain("notes");
  });
});

describe("with a session of too weak a role", () => {
  test.each(["redrive", "look-up", "release", "edit", "discard"])("a viewer may not %s", async (action) => {
    const viewer = await stage.as("viewer");
    const answer = await viewer.post(`/dead-letters/${letter}/${action}`, { ...why, payload: "{}" });
    expect(answer.status).toBe(403);
    expect((await viewer.get(`/dead-letters/${letter}/${action}`)).status).toBe(403);
    expect(await stage.placeOf(letter)).toBe("dead");
  });

  test.each(["redrive", "release", "edit", "discard"])(
    "an operator may not %s where money moves",
    async (action) => {
      const answer = await operator.post(`/dead-letters/${payment}/${action}`, { ...why, payload: "{}" });
      expect(answer.status).toBe(403);
      expect(await stage.placeOf(payment)).toBe("dead");
    },
  );

  test.each(["divert", "prefer", "isolate", "restore"])(
    "a viewer may not %s a provider, and an operator not where money moves",
    async (verb) => {
      const viewer = await stage.as("viewer");
      const form = { ...why, for: "1h" };
      for (const [who, capability] of [
        [viewer, "note.send"],
        [viewer, ""],
        [operator, "note.pay"],
        [operator, ""],
      ] as const) {
        const answer = await who.post(`/providers/alpha/${verb}`, { ...form, capability });
        expect([who.cookie, capability, answer.status]).toEqual([who.cookie, capability, 403]);
        const page = await who.get(`/providers/alpha/${verb}?capability=${capability}`);
        expect([who.cookie, capability, page.status]).toEqual([who.cookie, capability, 403]);
      }
      expect(await (await viewer.get("/")).text()).not.toContain('href="/providers/');
      expect(await said()).toEqual([]);
    },
  );

  test("a viewer starts no run, pauses no queue, and resumes nothing", async () => {
    const viewer = await stage.as("viewer");
    expect((await viewer.post("/dead-letters/runs", { ...why, action: "discard", typed: "2" })).status).toBe(
      403,
    );
    expect((await viewer.post("/queues/notes/pause", why)).status).toBe(403);
    expect(await (await viewer.get(`/dead-letters/${letter}`)).text()).not.toContain(
      `/dead-letters/${letter}/redrive"`,
    );
    expect(await stage.placeOf(letter)).toBe("dead");
  });
});

describe("from another site", () => {
  const evil = "https://evil.example";
  test.each([
    ["a form", { origin: evil }],
    ["a form that hides where it is from", { origin: "null" }],
    ["a form with our name as a part of its own", { origin: "http://127.0.0.1.evil.example" }],
    ["a form sent as plain text", { origin: evil, "content-type": "text/plain" }],
    [
      "a form that says it is ours only in the fetch metadata",
      { origin: evil, "sec-fetch-site": "same-origin" },
    ],
  ])("%s does nothing, though it has the cookie and the token", async (_, headers) => {
    const answer = await operator.post(`/dead-letters/${letter}/discard`, why, headers);
    expect(answer.status).toBe(403);
    const word = { ...why, capability: "note.send", for: "1h" };
    expect((await operator.post("/providers/alpha/isolate", word, headers)).status).toBe(403);
    expect(await stage.placeOf(letter)).toBe("dead");
    expect(await said()).toEqual([]);
  });

  test("a form without our token does nothing, though it says it is ours", async () => {
    const thief = visitor(stage.url, operator.cookie, "guessed");
    expect((await thief.post(`/dead-letters/${letter}/discard`, why)).status).toBe(403);
    const word = { ...why, capability: "note.send", for: "1h" };
    expect((await thief.post("/providers/alpha/isolate", word)).status).toBe(403);
    expect(await said()).toEqual([]);
    const other = await stage.as("operator");
    expect(
      (await visitor(stage.url, operator.cookie, other.csrf).post(`/dead-letters/${letter}/discard`, why))
        .status,
    ).toBe(403);
    expect(await stage.placeOf(letter)).toBe("dead");
  });

  test.each(["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x"])(
    "the board takes no %s",
    async (type) => {
      const admin = await stage.as("admin");
      const answer = await fetch(`${stage.url}/board/api/queues/notes/add`, {
        method: "POST",
        headers: { cookie: admin.cookie, origin: stage.url, "content-type": type },
        body: JSON.stringify({ name: "note", data: {}, options: {} }),
      });
      expect([403, 415]).toContain(answer.status);
    },
  );

  test("the board's calls must come from its own page", async () => {
    const headers = { cookie: operator.cookie };
    const url = `${stage.url}/board/api/queues/notes.dead/${letter}/retry`;
    for (const more of [
      {},
      { origin: evil },
      { "sec-fetch-site": "cross-site" },
      { "sec-fetch-site": "none" },
    ])
      expect((await fetch(url, { method: "PUT", headers: { ...headers, ...more } })).status).toBe(403);
    expect(await stage.placeOf(letter)).toBe("dead");
  });

  test("a name that somebody pointed at us is not ours", async () => {
    const { status } = await raw("/sign-in", "rebound.evil.example");
    expect(status).toBe(421);
  });

  test("a link from elsewhere goes on by itself, so that the cookie comes along; nothing is shown before", async () => {
    const answer = await nobody().get("/dead-letters?queue=notes", { "sec-fetch-site": "cross-site" });
    const page = await answer.text();
    expect(answer.status).toBe(200);
    expect(page).toContain("refresh");
    expect(page).not.toContain("welcome");
  });

  test.each(["//evil.example", "/\\evil.example", "https://evil.example", "/\t/evil.example", "/sign-out"])(
    "the sign-in leads nowhere but here: next=%s",
    async (next) => {
      const page = await (await nobody().get(`/sign-in?next=${encodeURIComponent(next)}`)).text();
      expect(page).toContain('name="next" value="/"');
    },
  );
});

describe("script", () => {
  const pages = (): readonly string[] => [
    "/",
    "/dead-letters",
    `/dead-letters?text=${encodeURIComponent(script)}`,
    `/dead-letters?cause=${encodeURIComponent(script)}&from=${encodeURIComponent(script)}&queue=${encodeURIComponent(script)}`,
    `/dead-letters?after=${encodeURIComponent(script)}`,
    `/dead-letters/${letter}`,
    `/dead-letters/${letter}/edit`,
    `/dead-letters/${encodeURIComponent(script)}`,
    `/jobs/${encodeURIComponent(script)}`,
    `/queues/${encodeURIComponent(script)}/pause`,
    `/dead-letters/plan?id=${encodeURIComponent(script)}`,
    `/dead-letters/runs/${encodeURIComponent(script)}`,
    "/audit",
    `/providers/${encodeURIComponent(script)}/divert`,
    `/providers/alpha/divert?capability=${encodeURIComponent(script)}`,
    `/providers/alpha/restore?capability=${encodeURIComponent(script)}`,
    `/${encodeURIComponent(script)}`,
  ];
  test("in data, errors, ids and filters is text on every page", async () => {
    await operator.post(`/dead-letters/${letter}/redrive`, { reason: script });
    await stage.dies("note", { topic: script });
    const word = { reason: script, capability: "note.send", for: "1h" };
    expect((await operator.post("/providers/beta/divert", word)).status).toBe(303);
    await stage.circuit({ state: { at: "open", until: Date.now() }, reason: script });
    for (const path of pages()) {
      const page = await (await operator.get(path)).text();
      expect([path, page.includes("<script>document")]).toEqual([path, false]);
      expect([path, page.includes("<img src=x")]).toEqual([path, false]);
    }
  });

  test("would not run: the policy forbids what stands inline, and frames", async () => {
    for (const path of ["/", "/board", "/sign-in", "/nothing"]) {
      const { headers } = await operator.get(path);
      const policy = headers.get("content-security-policy") ?? "";
      expect(policy).toContain("default-src 'none'");
      expect(policy).toMatch(/script-src 'self';/u);
      expect(policy).toContain("frame-ancestors 'none'");
      expect(headers.get("x-content-type-options")).toBe("nosniff");
      expect(headers.get("referrer-policy")).toBe("same-origin");
      expect(headers.get("cache-control")).toBe("no-store");
    }
  });
});

/** A request as it is written, with the path that no client would send. */
function raw(path: string, host?: string): Promise<{ readonly status: number; readonly body: string }> {
  const url = new URL(stage.url);
  return new Promise((resolve, reject) => {
    const socket = connect(Number(url.port), url.hostname);
    let text = "";
    socket.on("data", (chunk: Buffer) => (text += chunk.toString()));
    socket.on("end", () => resolve({ status: Number(text.split(" ")[1]), body: text }));
    socket.on("error", reject);
    socket.write(
      `GET ${path} HTTP/1.1\r\nHost: ${host ?? url.host}\r\nAccept: text/html\r\nConnection: close\r\n\r\n`,
    );
  });
}
