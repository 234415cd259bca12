import type { Redis } from "ioredis";

import type { Vote } from "../circuit/electorate.ts";
import { type Circuit, closedCircuit } from "../circuit/state.ts";
import type { Directive } from "../fleet/directive.ts";
import type {
  CircuitName,
  CircuitTransition,
  DirectiveTransition,
  FleetNews,
  FleetRecords,
  FleetStore,
  Lease,
  SharedCircuit,
  Transition,
} from "../fleet/store.ts";
import { type FleetKeys, fleetKeys } from "./keys.ts";
import { defineScript } from "./script.ts";

const KEEP_TRANSITIONS = 500;
const KEEP_VOTES_SECONDS = 120;

const swapScript = defineScript(
  "swap-circuit",
  `--[[
  Puts a circuit in the place of the one that its writer knew.
  KEYS[1] the circuits, a hash  KEYS[2] the transitions, a list  KEYS[3] the provider's probe
  ARGV[1] the circuit's name  ARGV[2] the one that its writer knew, empty for none
  ARGV[3] the new one: "<version> <json>"  ARGV[4] the channel of news  ARGV[5] the transition, empty for none
  ARGV[6] above 0: take the probe for so many milliseconds; below: give it back; 0: leave it  ARGV[7] how many transitions stay
  Answers {1}; {0, the one that is there} when somebody was quicker; {2} when the probe is taken.
]]
local there = redis.call("HGET", KEYS[1], ARGV[1]) or ""
if there ~= ARGV[2] then return { 0, there } end
local lease = tonumber(ARGV[6])
if lease > 0 and not redis.call("SET", KEYS[3], ARGV[1], "NX", "PX", lease) then return { 2 } end
if lease < 0 then redis.call("DEL", KEYS[3]) end
redis.call("HSET", KEYS[1], ARGV[1], ARGV[3])
redis.call("PUBLISH", ARGV[4], "circuit " .. cjson.encode({ ARGV[1], ARGV[3] }))
if ARGV[5] ~= "" then
  redis.call("LPUSH", KEYS[2], ARGV[5])
  redis.call("LTRIM", KEYS[2], 0, tonumber(ARGV[7]) - 1)
end
return { 1 }`,
);

const directScript = defineScript(
  "direct",
  `--[[
  Gives a person's word about a provider, or takes it back.
  KEYS[1] the directives, a hash  KEYS[2] the transitions, a list
  ARGV[1] the channel of news  ARGV[2] the transition  ARGV[3] how many transitions stay
  ARGV[4] the field  ARGV[5] its new value, empty to take it back  ARGV[6] the value it must have now, empty for any, - for none
  ARGV[7] when it may be done at the earliest by this server's clock, milliseconds, 0 for now
  Answers 1; 0 when there was nothing to take back; 2 when it is another by now; 3 when it is too early.
]]
local time = redis.call("TIME")
if time[1] * 1000 + math.floor(time[2] / 1000) < tonumber(ARGV[7]) then return 3 end
local there = redis.call("HGET", KEYS[1], ARGV[4])
if ARGV[5] == "" and not there then return 0 end
if ARGV[6] ~= "" and (there or "-") ~= ARGV[6] then return 2 end
if ARGV[5] == "" then
  redis.call("HDEL", KEYS[1], ARGV[4])
else
  redis.call("HSET", KEYS[1], ARGV[4], ARGV[5])
end
redis.call("LPUSH", KEYS[2], ARGV[2])
redis.call("LTRIM", KEYS[2], 0, tonumber(ARGV[3]) - 1)
redis.call("PUBLISH", ARGV[1], "directives")
return 1`,
);

/** The fleet's records on Redis. */
export function openFleetStore(redis: Redis, namespace?: string): FleetStore {
  const keys = fleetKeys(namespace);
  return {
    async read() {
      // A write, so that a server that only answers questions is found out.
      const [records] = await Promise.all([readRecords(redis, keys), redis.expire(keys.news, 1)]);
      return records;
    },
    async swap(name, { before, after, by, lease }) {
      const entry = transitionOf(name, before, after, by);
      const args = [
        fieldOf(name),
        before.version === 0 ? "" : written(before),
        written(after),
        keys.news,
        entry === undefined ? "" : JSON.stringify(entry),
        leaseMs(lease),
        KEEP_TRANSITIONS,
      ];
      const answer = await swapScript(
        redis,
        [keys.circuits, keys.transitions, keys.probe(name.provider)],
        args,
      );
      const [code, there] = answer as readonly [number, string?];
      if (code === 1) return { at: "done" };
      return code === 2 ? { at: "leased" } : { at: "other", circuit: circuitIn(there) };
    },
    async lease(provider, forMs) {
      return (await redis.set(keys.probe(provider), "own", "PX", forMs, "NX")) === "OK";
    },
    async vote(name, worker, vote) {
      const key = keys.votes(fieldOf(name));
      resultsOf(
        await redis.multi().hset(key, worker, JSON.stringify(vote)).expire(key, KEEP_VOTES_SECONDS).exec(),
      );
    },
    async votes(name) {
      const key = keys.votes(fieldOf(name));
      const votes = Object.entries(await redis.hgetall(key)).flatMap(([worker, text]) => {
        const vote = readable(text) as Vote | undefined;
        return vote === undefined ? [] : [{ worker, vote }];
      });
      const newest = Math.max(0, ...votes.map(({ vote }) => vote.at));
      const gone = votes.filter(({ vote }) => vote.at < newest - KEEP_VOTES_SECONDS * 1000);
      if (gone.length > 0) await redis.hdel(key, ...gone.map(({ worker }) => worker));
      return votes.map(({ vote }) => vote);
    },
    async retell(directive) {
      const lines = await readTransitions(redis, namespace, KEEP_TRANSITIONS);
      const { provider, capability, since: at, ...word } = directive;
      const value = JSON.stringify(directive);
      const wasHeard = lines.some(
        (line) =>
          line.what === "directive" &&
          line.provider === provider &&
          line.capability === capability &&
          (line.at > at || (line.at === at && (line.verb === "restore" || line.verb === "expire"))),
      );
      const about = { provider, ...(capability === undefined ? {} : { capability }) };
      if (!wasHeard)
        await direct(redis, keys, { what: "directive", ...about, ...word, at }, { value, ifNow: "-" });
    },
    async expire(directive) {
      const { verb: _, since: __, until, ...about } = directive;
      if (until === undefined) return;
      const entry = { what: "directive", ...about, until, verb: "expire", at: until } as const;
      await direct(redis, keys, entry, { ifNow: JSON.stringify(directive), notBefore: until });
    },
  };
}

/** Gives a person's word; effective on the whole fleet as soon as it is pushed. Answers with it as it was written. */
export async function giveDirective(
  redis: Redis,
  namespace: string | undefined,
  given: Omit<Directive, "since" | "until"> & { readonly forMs?: number },
): Promise<Directive> {
  const since = await clockOf(redis);
  const { forMs, ...word } = given;
  const directive = { ...word, since, ...(forMs === undefined ? {} : { until: since + forMs }) };
  const { since: at, ...about } = directive;
  const entry = { what: "directive", ...about, at } as const;
  await direct(redis, fleetKeys(namespace), entry, { value: JSON.stringify(directive) });
  return directive;
}

/** "gone": it was taken back before, or has ended. "other": another word has taken its place, which stays. */
export type TakenBack = "taken" | "gone" | "other";

/** Takes a word back, if it is still the one that was read. */
export async function takeBackDirective(
  redis: Redis,
  namespace: string | undefined,
  seen: Directive,
  why: Pick<Directive, "reason" | "by">,
): Promise<TakenBack> {
  const { provider, capability } = seen;
  const about = { provider, ...(capability === undefined ? {} : { capability }), ...why };
  const entry = { what: "directive", ...about, verb: "restore", at: await clockOf(redis) } as const;
  const code = await direct(redis, fleetKeys(namespace), entry, { ifNow: JSON.stringify(seen) });
  if (code === 1) return "taken";
  return code === 0 ? "gone" : "other";
}

export async function readFleet(redis: Redis, namespace?: string): Promise<FleetRecords> {
  return await readRecords(redis, fleetKeys(namespace));
}

/** The newest first. @param limit up to 500 */
export async function readTransitions(
  redis: Redis,
  namespace: string | undefined,
  limit: number,
): Promise<readonly Transition[]> {
  const lines = await redis.lrange(fleetKeys(namespace).transitions, 0, limit - 1);
  return lines.map((line) => JSON.parse(line) as Transition);
}

/**
 * Hears what is pushed to the fleet.
 * @param redis a connection of its own; whoever gave it ends it
 */
export async function hearFleet(redis: Redis, namespace: string | undefined, news: FleetNews): Promise<void> {
  redis.on("message", (_channel: string, message: string) => {
    const told = readable(message.replace(/^circuit /u, "")) as readonly [string, string] | undefined;
    const circuit = told === undefined ? undefined : (readable(jsonIn(told[1])) as Circuit | undefined);
    if (told !== undefined && circuit !== undefined) news.circuit({ ...nameIn(told[0]), circuit });
    // Also what a newer release may say: whatever it is, it can be read.
    else news.directives();
  });
  redis.on("ready", () => news.reconnected());
  await redis.subscribe(fleetKeys(namespace).news);
}

async function readRecords(redis: Redis, keys: FleetKeys): Promise<FleetRecords> {
  const answers = await redis.pipeline().hgetall(keys.circuits).hgetall(keys.directives).time().exec();
  const [circuits, directives, time] = resultsOf(answers) as readonly [
    Record<string, string>,
    Record<string, string>,
    readonly [number | string, number | string],
  ];
  return {
    circuits: Object.entries(circuits).flatMap(([name, value]): readonly SharedCircuit[] => {
      const circuit = readable(jsonIn(value)) as Circuit | undefined;
      return circuit === undefined ? [] : [{ ...nameIn(name), circuit }];
    }),
    directives: Object.values(directives).flatMap((text) => (readable(text) as Directive | undefined) ?? []),
    now: millisecondsOf(time),
  };
}

/** @returns what the script answers */
async function direct(
  redis: Redis,
  keys: FleetKeys,
  entry: DirectiveTransition,
  { value = "", ifNow = "", notBefore = 0 }: Word,
): Promise<unknown> {
  const { provider, capability } = entry;
  const field = capability === undefined ? provider : fieldOf({ provider, capability });
  const args = [keys.news, JSON.stringify(entry), KEEP_TRANSITIONS, field, value, ifNow, notBefore];
  return await directScript(redis, [keys.directives, keys.transitions], args);
}

/** The last arguments of the script. */
interface Word {
  readonly value?: string;
  readonly ifNow?: string;
  readonly notBefore?: number;
}

function transitionOf(
  { provider, capability }: CircuitName,
  before: Circuit,
  after: Circuit,
  by: string,
): CircuitTransition | undefined {
  const { state, reason, since } = after;
  // Probes come and go while it is open; that it is open is known.
  if (isShut(before) && isShut(after)) return undefined;
  // So do the steps by which it works off what has piled up: it serves again.
  if (servesAgain(before) && servesAgain(after) && reason === "recovering") return undefined;
  return {
    what: "circuit",
    provider,
    capability,
    from: before.state.at,
    to: state.at,
    ...(state.at === "half_open" ? { share: state.share } : {}),
    reason,
    by,
    at: since,
  };
}

function isShut({ state }: Circuit): boolean {
  return state.at === "open" || (state.at === "half_open" && state.share === 0);
}

function servesAgain({ state }: Circuit): boolean {
  return state.at === "half_open" && state.share >= 1;
}

function leaseMs(lease: Lease): number {
  if (lease === "none") return 0;
  return lease === "release" ? -1 : lease.take;
}

const fieldOf = ({ provider, capability }: CircuitName): string => `${provider} ${capability}`;

function nameIn(field: string): CircuitName {
  const [provider = "", capability = ""] = field.split(" ");
  return { provider, capability };
}

const written = (circuit: Circuit): string => `${circuit.version} ${JSON.stringify(circuit)}`;

function circuitIn(value: string | undefined): Circuit {
  return value === undefined || value === "" ? closedCircuit : (JSON.parse(jsonIn(value)) as Circuit);
}

function jsonIn(written: string): string {
  return written.slice(written.indexOf(" ") + 1);
}

/** Undefined when it cannot be read: of a foreign writer, or another release. */
function readable(text: string): unknown {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null ? value : undefined;
  } catch {
    return undefined;
  }
}

async function clockOf(redis: Redis): Promise<number> {
  return millisecondsOf(await redis.time());
}

function millisecondsOf([seconds, micros]: readonly (number | string)[]): number {
  return Number(seconds) * 1000 + Math.floor(Number(micros) / 1000);
}

function resultsOf(answers: readonly (readonly [Error | null, unknown])[] | null): readonly unknown[] {
  if (answers === null) throw new Error("Redis gave up a transaction");
  return answers.map(([error, result]) => {
    if (error !== null) throw error;
    return result;
  });
}

/** Whether this worker is the one that tells of something, which nobody has told of for so long. */
export async function mayTell(
  redis: Redis,
  namespace: string | undefined,
  what: string,
  everyMs: number,
): Promise<boolean> {
  return (await redis.set(fleetKeys(namespace).told(what), "1", "PX", everyMs, "NX")) === "OK";
}
