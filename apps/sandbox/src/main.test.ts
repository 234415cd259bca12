import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { connect } from "node:net";
import { join } from "node:path";
import { createInterface } from "node:readline";

import { afterEach, expect, test } from "vitest";

const children: ChildProcess[] = [];
afterEach(() => {
  for (const child of children.splice(0)) child.kill("SIGKILL");
});

function run(env: Record<string, string>): ChildProcess {
  const main = join(import.meta.dirname, "main.ts");
  const child = spawn(process.execPath, ["--conditions=@understudy/source", main], {
    env: { ...process.env, ...env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  children.push(child);
  return child;
}

interface Announced {
  readonly sandbox: string;
  readonly providers: Readonly<Record<string, string>>;
}

async function start(): Promise<Announced & { readonly child: ChildProcess }> {
  const child = run({ SANDBOX_PORT: "0" });
  if (child.stdout === null) throw new Error("no stdout");
  const [line] = (await once(createInterface(child.stdout), "line")) as [string];
  return { ...(JSON.parse(line) as Announced), child };
}

async function api(url: string, method = "GET", body?: unknown): Promise<{ status: number; body: any }> {
  const init = body === undefined ? { method } : { method, body: JSON.stringify(body) };
  const response = await fetch(url, init);
  return { status: response.status, body: await response.json() };
}

const mail = {
  from: { email: "shop@example.com" },
  personalizations: [{ to: [{ email: "ada@example.org" }], custom_args: { job_id: "order-7" } }],
  subject: "Your order",
  content: [{ type: "text/plain", value: "It is on its way." }],
};

test("a stranger finds the fakes, breaks one, and reads what really happened", async () => {
  const { sandbox, providers } = await start();
  expect(await api(`${sandbox}/healthz`)).toEqual({ status: 200, body: { ok: true } });

  const env = (await api(`${sandbox}/env`)).body;
  expect(env).toMatchObject({
    SENDGRID_BASE_URL: providers["sendgrid"],
    MAILGUN_BASE_URL: providers["mailgun"],
    SMTP_URL: expect.stringMatching(/^smtp:\/\/[^@]+@127\.0\.0\.1:\d+$/u),
  });
  const send = () =>
    fetch(`${env.SENDGRID_BASE_URL}/v3/mail/send`, {
      method: "POST",
      headers: { authorization: `Bearer ${env.SENDGRID_API_KEY}`, "content-type": "application/json" },
      body: JSON.stringify(mail),
    });
  expect((await send()).status).toBe(202);

  const fault = { mode: "503", retryAfter: 3 };
  expect(await api(`${sandbox}/faults/sendgrid`, "PUT", fault)).toMatchObject({
    status: 200,
    body: { name: "sendgrid", fault, accepted: 1 },
  });
  const refused = await send();
  expect([refused.status, refused.headers.get("retry-after")]).toEqual([503, "3"]);

  expect((await api(`${sandbox}/effects?provider=sendgrid`)).body).toMatchObject({
    effects: [{ provider: "sendgrid", jobId: "order-7", recipients: 1, answered: true }],
    accepted: { sendgrid: 1 },
    byJob: { "order-7": 1 },
  });
  await api(`${sandbox}/faults`, "DELETE");
  const all = Object.keys(providers).toSorted();
  expect((await api(`${sandbox}/providers`)).body).toMatchObject(
    all.map((name) => ({ name, fault: { mode: "healthy" }, accepted: name === "sendgrid" ? 1 : 0 })),
  );
  const page = (query: string) => api(`${sandbox}/effects?${query}`);
  expect((await page("provider=sendgrid&offset=0&limit=1")).body).toMatchObject({
    effects: [{ jobId: "order-7" }],
  });
  expect((await page("provider=sendgrid&offset=1")).body).toEqual({ effects: [] });
  expect(await page("offset=0")).toMatchObject({ status: 400 });
  expect(await page("provider=sendgrid&offset=x")).toMatchObject({ status: 400 });
  await api(`${sandbox}/effects`, "DELETE");
  expect((await api(`${sandbox}/effects`)).body).toMatchObject({ effects: [], byJob: {} });
});

test("a wrong request is told what is wrong, which one, and what to do", async () => {
  const { sandbox, providers } = await start();
  const all = Object.keys(providers).toSorted().join(", ");
  expect(await api(`${sandbox}/faults/sendgird`, "PUT", { mode: "503" })).toEqual({
    status: 404,
    body: { error: `There is no fake for "sendgird". There are: ${all}.` },
  });
  const unknown = await api(`${sandbox}/effects?provider=nobody`);
  expect(unknown.status).toBe(404);
  const wrong = await api(`${sandbox}/faults/smtp`, "PUT", { mode: "sulk" });
  expect(wrong).toMatchObject({
    status: 400,
    body: { error: expect.stringContaining("mode: Invalid option") },
  });
  const none = await api(`${sandbox}/faults/smtp`, "PUT");
  expect(none).toMatchObject({ status: 400, body: { error: expect.stringContaining('{"mode":"503"') } });
  const lost = await api(`${sandbox}/nowhere`);
  expect(lost).toMatchObject({
    status: 404,
    body: { error: expect.stringContaining("PUT /faults/:provider") },
  });
});

test.each(["SIGTERM", "SIGINT"] as const)("%s ends it at once, whoever is connected", async (signal) => {
  const { child, providers } = await start();
  const { port } = new URL(providers["smtp"] ?? "");
  const socket = connect(Number(port), "127.0.0.1");
  await once(socket, "data");
  const sent = performance.now();
  child.kill(signal);
  const [[code]] = await Promise.all([once(child, "exit"), once(socket, "close")]);
  expect(code).toBe(0);
  expect(performance.now() - sent).toBeLessThan(1000);
});

test.each(["SANDBOX_PORT", "SANDBOX_SMTP_PORT"])(
  "a %s that cannot be is refused by its name",
  async (name) => {
    const child = run({ [name]: "lots" });
    let said = "";
    child.stderr?.on("data", (chunk: Buffer) => (said += chunk.toString()));
    const [code] = (await once(child, "close")) as [number];
    expect([code, said]).toEqual([1, expect.stringContaining(`${name}: `)]);
  },
);

test.each([
  ["SANDBOX_PORT", "Set SANDBOX_PORT to a free port"],
  ["SANDBOX_MAILGUN_PORT", "EADDRINUSE"],
])("a %s that is taken ends the start", async (name, words) => {
  const { sandbox } = await start();
  const { port } = new URL(sandbox);
  const child = run({ SANDBOX_PORT: "0", [name]: port });
  let said = "";
  child.stderr?.on("data", (chunk: Buffer) => (said += chunk.toString()));
  const [code] = (await once(child, "close")) as [number];
  expect([code, said]).toEqual([1, expect.stringContaining(words)]);
});
