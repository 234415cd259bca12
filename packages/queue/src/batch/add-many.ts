import type { Redis } from "ioredis";

import { type Family, keyOf } from "../names.ts";
import { type Before, KEEP_COMPLETED_MS, type NewJob, optionsOf } from "../new-job.ts";
import { defineScript } from "../script.ts";

/** What many jobs have in common, as one and the same object; it is sent once. Options as JSON, name, delay, priority. */
type Shared = readonly [options: string, name: string, delay: string, priority: string];

/** What is told of a call that failed, and of an add whose id was taken. */
const FAILED = "!";
const TAKEN = "=";

/** Where in ARGV, counted from 1, jobs begin, of how many texts each consists, and where the nth is. */
const JOBS_AT = 4;
const PARTS = 4;
const PLACE = `${JOBS_AT - PARTS} + ${PARTS} * n`;

/**
 * Adds jobs as BullMQ's own scripts add one: the keys and events are theirs. What is the same for all of a call is asked and written once.
 * Its functions share no variable with what is around them: to make them would else take Lua as long as a command. What puts jobs into
 * the queue comes last, so that nothing that fails leaves an id there; and a job that is in no queue must not be found by whoever adds it
 * again.
 *
 * ARGV: the keys' prefix; "1" when an id is there twice; how many jobs there are; of each its id, timestamp, data, and where in ARGV what
 * it shares begins; texts that jobs share. Answers with three texts for each job of which there is more to tell than that it is new: its
 * number, counted from 1, "=" and the data that stands there, or "!" and why; with nothing when there is none. When a job cannot be stored
 * none is, and it fails itself. Lua can unpack some thousand values at once, hence the slices. The queue's other keys are named here: each
 * that is sent takes as long as a short text more.
 */
const script = defineScript(
  "add-many",
  `
-- Puts into listOf, before they are stored: of ordinary jobs the ids, of others also what their places depend on.
local function store(maxEvents, listOf)
  local ARGV, rcall = ARGV, redis.call
  local prefix, count = ARGV[1], tonumber(ARGV[3])
  local events = prefix .. "events"
  local everAdded = rcall("INCRBY", prefix .. "id", ARGV[3])
  local keys, areFree, answers = {}, false, nil
  for n = 1, count do keys[n] = prefix .. ARGV[${PLACE}] end
  if count > 1 and ARGV[2] == "0" then
    areFree = true
    for from = 1, count, 1000 do
      areFree = areFree and rcall("EXISTS", unpack(keys, from, math.min(from + 999, count))) == 0
    end
  end
  for n = 1, count do
    local at = ${PLACE}
    local id, key = ARGV[at], keys[n]
    if not areFree and rcall("EXISTS", key) == 1 then
      local data = redis.pcall("HGET", key, "data")
      local isMistaken = type(data) == "table"
      if data then
        answers = answers or {}
        answers[n] = isMistaken and { "${FAILED}", data.err } or { "${TAKEN}", data }
      end
      if not isMistaken then rcall("XADD", events, "*", "event", "duplicated", "jobId", id) end
    else
      local timestamp, shared = ARGV[at + 1], tonumber(ARGV[at + 3])
      local name, delay, priority = ARGV[shared + 1], ARGV[shared + 2], ARGV[shared + 3]
      local kind, moment = "ordinary", nil
      if delay ~= "0" then
        kind, moment = "delayed", timestamp + delay
      elseif priority ~= "0" then
        kind = "urgent"
      end
      local list = listOf[kind] or {}
      listOf[kind] = list
      list[#list + 1] = id
      if kind ~= "ordinary" then list[#list + 1] = moment or priority end
      rcall("HMSET", key, "name", name, "data", ARGV[at + 2], "opts", ARGV[shared],
        "timestamp", timestamp, "delay", delay, "priority", priority)
      rcall("XADD", events, "*", "event", "added", "jobId", id, "name", name)
      if moment then
        rcall("XADD", events, "*", "event", "delayed", "jobId", id, "delay", moment)
      else
        rcall("XADD", events, "*", "event", "waiting", "jobId", id)
      end
    end
  end
  -- Redis drops whole nodes of some hundred events, so to ask it now and then is enough.
  if everAdded % 32 < count then rcall("XTRIM", events, "MAXLEN", "~", maxEvents) end
  return answers
end

local function queue(kind, list, isOpen)
  local rcall, prefix = redis.call, ARGV[1]
  if isOpen and kind ~= "delayed" then rcall("ZADD", prefix .. "marker", "0", "0") end
  if kind == "ordinary" then
    local wait = prefix .. "wait"
    for from = 1, #list, 1000 do rcall("LPUSH", wait, unpack(list, from, math.min(from + 999, #list))) end
    return
  end
  local scores = {}
  if kind == "urgent" then
    local added = rcall("INCRBY", prefix .. "pc", #list / 2) - #list / 2
    for n = 1, #list, 2 do
      scores[n], scores[n + 1] = list[n + 1] * 0x100000000 + (added + (n + 1) / 2) % 0x100000000, list[n]
    end
    for from = 1, #scores, 1000 do rcall("ZADD", prefix .. "prioritized", unpack(scores, from, math.min(from + 999, #scores))) end
    return
  end
  -- Those that are due in one millisecond go in the order in which they were added.
  local delayed, highest = prefix .. "delayed", {}
  local first = tonumber(rcall("ZRANGE", delayed, "0", "0", "WITHSCORES")[2]) or math.huge
  for n = 1, #list, 2 do
    local moment = list[n + 1]
    local low, top = moment * 0x1000, moment * 0x1000 + 0xFFF
    local score = highest[moment] or tonumber(rcall("ZREVRANGEBYSCORE", delayed, top, low, "WITHSCORES", "LIMIT", "0", "1")[2])
    score = score and math.min(score + 1, top) or low
    highest[moment], first = score, math.min(first, score)
    scores[n], scores[n + 1] = score, list[n]
  end
  rcall("ZADD", prefix .. "marker", first / 0x1000, "1")
  for from = 1, #scores, 1000 do rcall("ZADD", delayed, unpack(scores, from, math.min(from + 999, #scores))) end
end

-- Whoever adds a job again must not find one that is in no queue.
local function forget(kind, list)
  local isGone = {}
  for n = 1, #list, kind == "ordinary" and 1 or 2 do
    isGone[list[n]] = true
    redis.call("DEL", ARGV[1] .. list[n])
  end
  return isGone
end

local rcall, meta = redis.call, KEYS[1]
local maxEvents, isPaused, most = unpack(rcall("HMGET", meta, "opts.maxLenEvents", "paused", "concurrency"))
if not maxEvents then
  maxEvents = "10000"
  rcall("HSET", meta, "opts.maxLenEvents", maxEvents)
end
local isOpen = not isPaused and not (most and rcall("LLEN", ARGV[1] .. "active") >= tonumber(most))

local listOf = {}
local areStored, answers = pcall(store, maxEvents, listOf)
if not areStored then
  for kind, list in pairs(listOf) do forget(kind, list) end
  return answers.err and answers or { err = answers }
end
for kind, list in pairs(listOf) do
  local isDone, trouble = pcall(queue, kind, list, isOpen)
  if not isDone then
    local isGone = forget(kind, list)
    answers = answers or {}
    for n = 1, tonumber(ARGV[3]) do
      if isGone[ARGV[${PLACE}]] then answers[n] = { "${FAILED}", trouble.err or trouble } end
    end
  end
end
if not answers then return end

local told = {}
for n, answer in pairs(answers) do
  local at = #told
  told[at + 1], told[at + 2], told[at + 3] = tostring(n), answer[1], answer[2]
end
return told`,
);

/** @returns for each job what stood under its id, or an Error, which concerns it alone; rejects when none was stored */
export function manyAdds(
  redis: Redis,
  family: Family,
): (jobs: readonly NewJob[]) => Promise<readonly (Before | Error)[]> {
  const prefix = keyOf(family, "name", "");
  const keys = [`${prefix}meta`];
  const sharedOf = commonParts();
  return async (jobs) => {
    const args: (string | number)[] = [prefix, "0", jobs.length];
    const textsAt = JOBS_AT + PARTS * jobs.length;
    const texts: string[] = [];
    const places = new Map<Shared, number>();
    const ids = new Set<string>();
    for (const job of jobs) {
      ids.add(job.id);
      const shared = sharedOf(job);
      let place = places.get(shared);
      if (place === undefined) {
        places.set(shared, (place = textsAt + texts.length));
        texts.push(...shared);
      }
      args.push(job.id, job.timestamp, job.data, place);
    }
    if (ids.size < jobs.length) args[1] = "1";
    const told = await script.run(redis, keys, [...args, ...texts]);
    const answers: (Before | Error)[] = jobs.map(() => undefined);
    for (const [place, mark, text] of threesOf(told))
      answers[Number(place) - 1] = mark === FAILED ? new Error(text) : text;
    return answers;
  };
}

const USUAL_OPTIONS = JSON.stringify(optionsOf({ keepCompletedMs: KEEP_COMPLETED_MS }));

function* threesOf(told: unknown): Generator<readonly [string, string, string]> {
  if (!Array.isArray(told)) return;
  for (let at = 0; at < told.length; at += 3) yield told.slice(at, at + 3) as [string, string, string];
}

/** Equal ones of late are one object. */
function commonParts(): (job: NewJob) => Shared {
  const usual = new Map<string, Shared>();
  let last: Shared = ["", "", "", ""];
  return (job) => {
    const { name, delayMs = 0, priority: wanted = 0, keepCompletedMs } = job;
    if (delayMs <= 0 && wanted <= 0 && keepCompletedMs === KEEP_COMPLETED_MS) {
      let shared = usual.get(name);
      if (shared === undefined) usual.set(name, (shared = [USUAL_OPTIONS, name, "0", "0"]));
      return shared;
    }
    const options = optionsOf(job);
    const text = JSON.stringify(options);
    const { delay = 0, priority = 0 } = options;
    if (last[0] !== text || last[1] !== name) last = [text, name, String(delay), String(priority)];
    return last;
  };
}
