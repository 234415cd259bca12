import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";

import { Provider } from "oidc-provider";
import { afterAll, beforeAll, describe, expect, test } from "vitest";

import { newStage, type Stage, visitor } from "../testing/stage.ts";

let stage: Stage;
let provider: Server;
beforeAll(async () => {
  provider = createServer();
  await new Promise<void>((resolve) => provider.listen(0, "127.0.0.1", resolve));
  const issuer = `http://127.0.0.1:${(provider.address() as AddressInfo).port}`;
  stage = await newStage({
    env: {
      DASHBOARD_OIDC_ISSUER: issuer,
      DASHBOARD_OIDC_CLIENT_ID: "dashboard",
      DASHBOARD_OIDC_CLIENT_SECRET: "a secret of the client's own",
      DASHBOARD_OIDC_ROLES_CLAIM: "groups",
      DASHBOARD_OIDC_ROLES: "oncall=operator,finance=money-operator",
      DASHBOARD_OIDC_SCOPE: "openid profile groups",
    },
  });
  provider.on("request", identityProvider(issuer, stage.url).callback());
});
afterAll(async () => {
  await stage.close();
  provider.close();
});

/** Whoever signs in over there is who they say, and in the groups that their name says: "ada+oncall". */
function identityProvider(issuer: string, url: string): Provider {
  return new Provider(issuer, {
    clients: [
      {
        client_id: "dashboard",
        client_secret: "a secret of the client's own",
        redirect_uris: [`${url}/sign-in/callback`],
        grant_types: ["authorization_code"],
        response_types: ["code"],
      },
    ],
    claims: { openid: ["sub"], profile: ["preferred_username"], groups: ["groups"] },
    scopes: ["openid", "profile", "groups"],
    findAccount: (_: unknown, id: string) => ({
      accountId: id,
      claims: () => ({ sub: id, preferred_username: id.split("+")[0], groups: id.split("+").slice(1) }),
    }),
    pkce: { required: () => true },
    cookies: { keys: ["only for this test"] },
  });
}

/** A browser: keeps the cookies of each origin, and follows where it is sent. */
class Browser {
  readonly #jars = new Map<string, Map<string, string>>();

  async go(
    url: string,
    init: RequestInit = {},
  ): Promise<{ readonly url: string; readonly answer: Response; readonly text: string }> {
    const { origin } = new URL(url);
    const jar = this.#jars.get(origin) ?? new Map<string, string>();
    this.#jars.set(origin, jar);
    const cookie = [...jar].map(([name, value]) => `${name}=${value}`).join("; ");
    const answer = await fetch(url, {
      ...init,
      redirect: "manual",
      headers: {
        accept: "text/html",
        cookie,
        ...(init.headers as Readonly<Record<string, string>> | undefined),
      },
    });
    for (const line of answer.headers.getSetCookie()) {
      const [name = "", value = ""] = (line.split(";")[0] ?? "").split(/=(.*)/su);
      jar.set(name, value);
    }
    const next = answer.headers.get("location");
    const there = next === null ? undefined : new URL(next, url).href;
    // Stops where a callback is due, so that a test may tamper with it.
    if (there === undefined || there.includes("/sign-in/callback"))
      return { url: there ?? url, answer, text: await answer.text() };
    return await this.go(there);
  }

  cookieOf(url: string): string {
    return [...(this.#jars.get(new URL(url).origin) ?? [])]
      .map(([name, value]) => `${name}=${value}`)
      .join("; ");
  }

  /** Signs in at the provider and consents. @returns the address that it sends the browser back to */
  async leave(account: string, next = ""): Promise<string> {
    let page = await this.go(`${stage.url}/sign-in/oidc${next}`);
    for (const fields of [{ prompt: "login", login: account, password: "x" }, { prompt: "consent" }]) {
      const action = /action="([^"]+)"/u.exec(page.text)?.[1];
      if (action === undefined) break;
      page = await this.go(new URL(action, page.url).href, {
        method: "POST",
        headers: { "content-type": "application/x-www-form-urlencoded" },
        body: new URLSearchParams(fields as Record<string, string>).toString(),
      });
    }
    return page.url;
  }
}

describe("with OpenID Connect", () => {
  test("somebody comes back with the role of their group, by a page of ours, so that the cookie comes along", async () => {
    const browser = new Browser();
    const back = await browser.leave("ada+oncall", "?next=%2Fdead-letters");
    const { answer, text } = await browser.go(back);
    expect(answer.status).toBe(200);
    expect(text).toMatch(/http-equiv="refresh" content="0; url(?:=|&#61;)\/dead-letters"/u);
    const page = await visitor(stage.url, browser.cookieOf(stage.url)).get("/audit");
    const audit = await page.text();
    expect(page.status).toBe(200);
    expect(audit).toContain("ada");
    expect(audit).toContain("signed in as operator");
  });

  test("who is in no group that counts is turned away, in words, and it is written down", async () => {
    const browser = new Browser();
    const { answer, text } = await browser.go(await browser.leave("eve+marketing"));
    expect(answer.status).toBe(403);
    expect(text).toContain("eve has no role here");
    expect((await visitor(stage.url, browser.cookieOf(stage.url)).get("/")).status).toBe(303);
    expect((await stage.operator.audit({ limit: 1 })).entries[0]).toMatchObject({
      by: "eve",
      action: "sign-in",
    });
  });

  test("the strongest of several groups counts", async () => {
    const browser = new Browser();
    await browser.go(await browser.leave("bob+oncall+finance"));
    expect((await stage.operator.audit({ limit: 1 })).entries[0]).toMatchObject({
      by: "bob",
      role: "money-operator",
    });
  });

  test("an answer that somebody else's browser brings, a second time, or with another state, is refused", async () => {
    const browser = new Browser();
    const back = await browser.leave("ada+oncall");
    expect((await new Browser().go(back)).answer.status).toBe(403);
    const tampered = new URL(back);
    tampered.searchParams.set("state", "other");
    expect((await browser.go(tampered.href)).answer.status).toBe(403);
    expect((await browser.go(back)).answer.status).toBe(403);
  });

  test("a refusal over there is a page in words here", async () => {
    const browser = new Browser();
    const back = new URL(await browser.leave("ada+oncall"));
    const state = back.searchParams.get("state") ?? "";
    const iss = back.searchParams.get("iss") ?? "";
    const refused = `${stage.url}/sign-in/callback?${new URLSearchParams({ error: "access_denied", state, iss }).toString()}`;
    const { answer, text } = await browser.go(refused);
    expect(answer.status).toBe(403);
    expect(text).toContain("access_denied");
  });
});

test("an identity provider that is away is said in words", async () => {
  const alone = await newStage({
    env: { DASHBOARD_OIDC_ISSUER: "http://127.0.0.1:9", DASHBOARD_OIDC_CLIENT_ID: "dashboard" },
  });
  const answer = await visitor(alone.url, "").get("/sign-in/oidc");
  expect(answer.status).toBe(502);
  expect(await answer.text()).toContain("cannot be reached");
  await alone.close();
});
