import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";

import { environmentOf, type Fault, faultSchema, type RunningSandbox } from "@understudy/providers/sandbox";

interface Reply {
  readonly status: number;
  readonly body: unknown;
}

type Fakes = ReadonlyMap<string, RunningSandbox>;
type Handler = (fakes: Fakes, query: URLSearchParams, body: string) => Reply | Promise<Reply>;

const routes: Readonly<Record<string, Handler>> = {
  "GET /healthz": () => ok({ ok: true }),
  "GET /providers": (fakes) => ok([...fakes.values()].map(describe)),
  "GET /env": (fakes) => ok(Object.assign({}, ...[...fakes.values()].map(environmentOf))),
  "GET /effects": (fakes, query) =>
    withFakes(fakes, query.get("provider"), (chosen) =>
      query.has("offset") ? page(chosen, query) : effects(chosen),
    ),
  "DELETE /effects": (fakes, query) => withFakes(fakes, query.get("provider"), clear),
  "DELETE /faults": async (fakes) => {
    await Promise.all([...fakes.values()].map((fake) => fake.faults.heal()));
    return ok([...fakes.values()].map(describe));
  },
};

/** The control API: what the fakes are told to do and what they have seen. */
export function controlServer(fakes: Fakes): Server {
  return createServer((req, res) => {
    handle(fakes, req).then(
      (reply) => send(res, reply),
      (error: unknown) => send(res, problem(500, String(error))),
    );
  });
}

async function handle(fakes: Fakes, req: IncomingMessage): Promise<Reply> {
  const { pathname, searchParams } = new URL(req.url ?? "/", "http://control");
  const body = await read(req);
  const provider = /^\/faults\/([^/]+)$/u.exec(pathname)?.[1];
  if (req.method === "PUT" && provider !== undefined)
    return setFault(fakes, decodeURIComponent(provider), body);
  const route = routes[`${req.method} ${pathname}`];
  if (route !== undefined) return route(fakes, searchParams, body);
  const known = [...Object.keys(routes), "PUT /faults/:provider"].join(", ");
  return problem(404, `There is no ${req.method} ${pathname}. There are: ${known}.`);
}

async function setFault(fakes: Fakes, provider: string, body: string): Promise<Reply> {
  const fake = fakes.get(provider);
  if (fake === undefined) return unknownProvider(fakes, provider);
  const fault = parseFault(body);
  if (typeof fault === "string") return problem(400, fault);
  await fake.faults.set(fault);
  return ok(describe(fake));
}

function parseFault(body: string): Fault | string {
  let json: unknown;
  try {
    json = JSON.parse(body);
  } catch {
    return 'The body is not JSON. Send something like {"mode":"503","durationMs":60000}.';
  }
  const parsed = faultSchema.safeParse(json);
  if (parsed.success) return parsed.data;
  const problems = parsed.error.issues.map(({ path, message }) => `${path.join(".") || "body"}: ${message}`);
  return `The fault is not valid: ${problems.join("; ")}. Correct these fields and send it again.`;
}

function withFakes(fakes: Fakes, provider: string | null, use: (chosen: RunningSandbox[]) => Reply): Reply {
  if (provider === null) return use([...fakes.values()]);
  const fake = fakes.get(provider);
  return fake === undefined ? unknownProvider(fakes, provider) : use([fake]);
}

function effects(chosen: readonly RunningSandbox[]): Reply {
  const all = chosen.flatMap(({ ledger }) => ledger.effects).toSorted((a, b) => a.at - b.at);
  const byJob: Record<string, number> = {};
  for (const { jobId = "" } of all) byJob[jobId] = (byJob[jobId] ?? 0) + 1;
  return ok({
    effects: all,
    accepted: Object.fromEntries(chosen.map(({ provider, ledger }) => [provider, ledger.accepted])),
    byJob,
  });
}

const PAGE = 50_000;

/** A part of what one fake did, in order: a million effects make no answer that anybody could read. */
function page(chosen: readonly RunningSandbox[], query: URLSearchParams): Reply {
  const [fake, ...others] = chosen;
  const offset = Number(query.get("offset"));
  const limit = Number(query.get("limit") ?? PAGE);
  if (fake === undefined || others.length > 0)
    return problem(400, "Pages are of one provider: add provider=… to offset.");
  if (!Number.isInteger(offset) || offset < 0 || !Number.isInteger(limit) || limit < 1 || limit > PAGE)
    return problem(400, `offset must be a whole number, and limit one from 1 to ${PAGE}.`);
  return ok({ effects: fake.ledger.effects.slice(offset, offset + limit) });
}

function clear(chosen: readonly RunningSandbox[]): Reply {
  for (const { ledger } of chosen) ledger.clear();
  return ok({ cleared: chosen.map(({ provider }) => provider) });
}

function describe({ provider, url, faults, ledger }: RunningSandbox): unknown {
  return { name: provider, url, fault: faults.current, accepted: ledger.accepted };
}

function unknownProvider(fakes: Fakes, provider: string): Reply {
  return problem(404, `There is no fake for "${provider}". There are: ${[...fakes.keys()].join(", ")}.`);
}

function ok(body: unknown): Reply {
  return { status: 200, body };
}

function problem(status: number, message: string): Reply {
  return { status, body: { error: message } };
}

async function read(req: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of req as AsyncIterable<Buffer>) chunks.push(chunk);
  return Buffer.concat(chunks).toString();
}

function send(res: ServerResponse, { status, body }: Reply): void {
  res.writeHead(status, { "content-type": "application/json" });
  res.end(`${JSON.stringify(body)}\n`);
}
