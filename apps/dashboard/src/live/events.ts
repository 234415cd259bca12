import { Readable } from "node:stream";
import { setTimeout as sleep } from "node:timers/promises";

import type { FastifyInstance } from "fastify";
import * as z from "zod";

import { explain } from "../errors.ts";
import type { Query } from "../pages/filter-query.ts";
import { jobParts } from "../pages/job.ts";
import { lettersParts } from "../pages/letters.ts";
import { overviewParts } from "../pages/overview.ts";
import { type PageParts, sessionOf } from "../pages/parts.ts";
import { runParts } from "../pages/runs.ts";
import type { Session, Sessions } from "../sign-in/sessions.ts";

/** HTML by the id of the element that holds it. */
type Fragments = Readonly<Record<string, string>>;
type Look = () => Promise<Fragments | undefined>;

const TICK_MS = 1000;
/** How often it is asked whether the listener is still signed in. */
const TICKS_PER_CHECK = 5;

const asked = z.object({
  of: z.enum(["overview", "letters", "run", "job"]),
  id: z.string().max(300).catch(""),
});

/** One stream of server-sent events a page: what has changed on it, once a second at most; ends with the session. */
export function addEvents(app: FastifyInstance, parts: PageParts & { readonly sessions: Sessions }): void {
  const look = sharing();
  app.get("/events", async (request, reply) => {
    const session = sessionOf(request);
    const { of, id } = asked.parse(request.query);
    const looks: Readonly<Record<typeof of, Look>> = {
      overview: look(`overview ${session.role}`, () => overviewParts(parts, session.role)),
      letters: look(request.url, () => lettersParts(parts, request.query as Query)),
      run: () => runParts(parts.operator, id, session),
      job: look(`job ${id}`, () => jobParts(parts, id)),
    };
    const gone = new AbortController();
    request.raw.once("close", () => gone.abort());
    const stream = Readable.from(events(looks[of], () => isSignedIn(parts.sessions, session), gone.signal));
    reply.header("x-accel-buffering", "no");
    return await reply.type("text/event-stream").send(stream);
  });
}

async function* events(
  look: Look,
  isStill: () => Promise<boolean>,
  gone: AbortSignal,
): AsyncGenerator<string> {
  let before: Fragments = {};
  yield "retry: 2000\n\n";
  for (let tick = 1; !gone.aborted; tick += 1) {
    try {
      if (tick % TICKS_PER_CHECK === 0 && !(await isStill())) return yield "event: ended\ndata: {}\n\n";
      const now = await look();
      if (now === undefined) return;
      const changed = Object.entries(now).filter(([id, html]) => before[id] !== html);
      before = now;
      yield `data: ${JSON.stringify(Object.fromEntries(changed))}\n\n`;
    } catch (error) {
      yield `event: trouble\ndata: ${JSON.stringify({ words: explain(error).words })}\n\n`;
    }
    await sleep(TICK_MS, undefined, { signal: gone }).catch(() => undefined);
  }
}

async function isSignedIn(sessions: Sessions, { id }: Session): Promise<boolean> {
  return (await sessions.peek(id)) !== undefined;
}

/** Many pages that show the same ask Redis once. */
function sharing(): (key: string, look: () => Promise<Fragments>) => Look {
  const seen = new Map<string, { readonly at: number; readonly answer: Promise<Fragments> }>();
  return (key, look) => () => {
    const last = seen.get(key);
    if (last !== undefined && performance.now() - last.at < TICK_MS * 0.9) return last.answer;
    const answer = look();
    if (seen.size > 200) seen.clear();
    seen.set(key, { at: performance.now(), answer });
    return answer;
  };
}
