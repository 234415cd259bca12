import { get } from "node:http";

import { until } from "@understudy/testkit";
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest";

import { newStage, PASSWORD, type Stage, visitor } from "../testing/stage.ts";

let stage: Stage;
beforeAll(async () => {
  stage = await newStage({ limits: { perAddress: 1000, perName: 6 } });
});
afterAll(async () => stage.close());

interface Form {
  readonly cookie: string;
  readonly csrf: string;
}

/** Opens the sign-in page, as a browser does first. */
async function open(url: string, query = ""): Promise<Form> {
  const answer = await fetch(`${url}/sign-in${query}`, { headers: { accept: "text/html" } });
  const csrf = /name="csrf" value="([^"]+)"/u.exec(await answer.text())?.[1] ?? "";
  return { cookie: cookieOf(answer, "understudy-visit"), csrf };
}

function cookieOf(answer: Response, name: string): string {
  const line = answer.headers.getSetCookie().find((one) => one.startsWith(`${name}=`));
  return line?.split(";")[0] ?? "";
}

async function signIn(
  { url }: Pick<Stage, "url">,
  fields: Readonly<Record<string, string>>,
  more: { readonly cookie?: string } = {},
): Promise<Response> {
  const form = await open(url);
  const cookie = [form.cookie, more.cookie ?? []].flat().join("; ");
  return await visitor(url, cookie, form.csrf).post("/sign-in", fields);
}

const ada = { name: "operator", password: PASSWORD };

describe("with name and password", () => {
  test("somebody gets a session, in a cookie that scripts and other sites cannot use", async () => {
    const answer = await signIn(stage, { ...ada, next: "/dead-letters?queue=notes" });
    expect(answer.status).toBe(303);
    expect(answer.headers.get("location")).toBe("/dead-letters?queue=notes");
    const [line] = answer.headers.getSetCookie();
    expect(line).toMatch(/^understudy=[\w-]{43}; Path=\/; HttpOnly; SameSite=Strict$/u);
    const page = await visitor(stage.url, cookieOf(answer, "understudy")).get("/audit");
    expect(page.status).toBe(200);
    expect(await page.text()).toContain("signed in as operator");
  });

  test.each([
    { name: "operator", password: "wrong" },
    { name: "nobody", password: PASSWORD },
    { name: "operator", password: "" },
    { name: "OPERATOR", password: PASSWORD },
  ])("a wrong one is refused in the same words, and written down", async (fields) => {
    const answer = await signIn(stage, fields);
    expect(answer.status).toBe(401);
    expect(await answer.text()).toContain("Name or password is wrong.");
    expect(answer.headers.getSetCookie().join("")).not.toContain("understudy=");
    const [entry] = (await stage.operator.audit({ limit: 1 })).entries;
    expect(entry).toMatchObject({ action: "sign-in", result: "refused" });
    // It may be a password in the wrong field.
    expect(entry?.by).not.toBe("nobody");
  });

  test("after too many tries for one name it waits, with the right password too, and others do not", async () => {
    for (let tries = 0; tries < 6; tries += 1) await signIn(stage, { name: "viewer", password: "wrong" });
    const answer = await signIn(stage, { name: "viewer", password: PASSWORD });
    expect(answer.status).toBe(429);
    expect(Number(answer.headers.get("retry-after"))).toBeGreaterThan(0);
    expect((await signIn(stage, { name: "admin", password: PASSWORD })).status).toBe(303);
  });

  test("after too many tries from one address it waits, over all names", async () => {
    const strict = await newStage({ limits: { perAddress: 3, perName: 100 } });
    onTestFinished(() => strict.close());
    for (const name of ["a", "b", "c"])
      expect((await signIn(strict, { name, password: "x" })).status).toBe(401);
    expect((await signIn(strict, ada)).status).toBe(429);
  });

  test("a form of another site, or one that was not opened here, is refused", async () => {
    const form = await open(stage.url);
    const elsewhere = visitor(stage.url, form.cookie, form.csrf);
    expect((await elsewhere.post("/sign-in", ada, { origin: "https://evil.example" })).status).toBe(403);
    expect((await visitor(stage.url, "", form.csrf).post("/sign-in", ada)).status).toBe(403);
    expect((await visitor(stage.url, form.cookie, "x").post("/sign-in", ada)).status).toBe(403);
  });
});

describe("a session", () => {
  test("that somebody planted before is worth nothing after: the id is new, the old one gone", async () => {
    const planted = await stage.as("viewer");
    const answer = await signIn(stage, ada, { cookie: planted.cookie });
    expect(cookieOf(answer, "understudy")).not.toBe(planted.cookie);
    expect((await planted.get("/")).status).toBe(303);
    const made = `understudy=${"a".repeat(43)}`;
    expect(cookieOf(await signIn(stage, ada, { cookie: made }), "understudy")).not.toBe(made);
    expect((await visitor(stage.url, made).get("/")).status).toBe(303);
  });

  test("ends with the sign-out, also in other windows", async () => {
    const who = await stage.as("operator");
    const answer = await who.post("/sign-out", {});
    expect(answer.headers.get("location")).toBe("/sign-in");
    expect((await who.get("/")).status).toBe(303);
  });

  test("stands in Redis by its hash alone", async () => {
    const { cookie } = await stage.as("operator");
    const keys = await stage.redis.keys(`${stage.space.namespace}:{dashboard}:session:*`);
    expect(keys.length).toBeGreaterThan(0);
    expect(keys.join(" ")).not.toContain(cookie.split("=")[1]);
  });

  test("ends when it is idle, and however busy it is; what listens is told", async () => {
    const brief = await newStage({ sessionMs: { idleMs: 60_000, absoluteMs: 1500 } });
    onTestFinished(() => brief.close());
    const answer = await signIn(brief, ada);
    const who = visitor(brief.url, cookieOf(answer, "understudy"));
    expect((await who.get("/")).status).toBe(200);
    const listening = (await who.get("/events?of=overview")).text();
    await until("it ended", async () => (await who.get("/")).status === 303);
    expect(await listening).toContain("event: ended");
  });

  test("of somebody who is no user any more, or has another role now, is none", async () => {
    const other = await newStage({
      env: { NAMESPACE: stage.space.namespace, DASHBOARD_USERS_FILE: "", DASHBOARD_ONE_TIME_LINK: "1" },
    });
    onTestFinished(() => other.close());
    const who = await stage.as("operator");
    expect((await visitor(other.url, who.cookie).get("/")).status).toBe(303);
  });
});

describe("the one-time link", () => {
  test("opens once", async () => {
    const path = `/sign-in/link?token=${stage.link.token}`;
    await fetch(`${stage.url}${path}`, { method: "HEAD" });
    const first = await visitor(stage.url, "").get(path);
    expect(first.status).toBe(200);
    const who = visitor(stage.url, cookieOf(first, "understudy"));
    expect((await who.get("/")).status).toBe(200);
    const second = await visitor(stage.url, "").get(path);
    expect(second.status).toBe(403);
    expect(second.headers.getSetCookie()).toEqual([]);
    expect(await second.text()).toContain("used already");
  });

  test.each(["", "?token=", "?token=x", "?token[]=x"])("does not open with %s", async (query) => {
    expect((await visitor(stage.url, "").get(`/sign-in/link${query}`)).status).toBe(403);
  });
});

test("behind TLS the cookies are Secure and belong to this host alone", async () => {
  const secure = await newStage({
    env: { DASHBOARD_PUBLIC_URL: "https://jobs.example.com", DASHBOARD_ONE_TIME_LINK: "0" },
  });
  onTestFinished(() => secure.close());
  // The name that browsers use is another than the one it listens on, so it is asked by hand.
  const headers = { host: "jobs.example.com", accept: "text/html" };
  const cookies = await new Promise<readonly string[]>((resolve) => {
    get(`http://127.0.0.1:${secure.port}/sign-in`, { headers }, (answer) =>
      resolve(answer.headers["set-cookie"] ?? []),
    );
  });
  expect(cookies[0]).toMatch(
    /^__Host-understudy-visit=[\w-]{43}; Path=\/; HttpOnly; Secure; SameSite=Strict$/u,
  );
});
