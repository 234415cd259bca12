import type { Redis } from "ioredis";

import { KEEP_LOG_LINES } from "../new-job.ts";
import { defineScript } from "../script.ts";
import { type Answer, answersIn } from "./answers.ts";

/** What an ordinary worker does: it completes a job and fetches the next one, or one of both. */
export interface Finish {
  /** "" completes none. */
  readonly id: string;
  /** Of the lock on the job, and of that on the next one. */
  readonly token: string;
  /** Epoch milliseconds. */
  readonly at: number;
  readonly fetches: boolean;
  /** For how long completed jobs stay. */
  readonly keepMs: number;
  /** JSON. */
  readonly returnValue: string;
  /** JSON; "" leaves it as it is. */
  readonly data: string;
  /** For the job's log, as `linesAsText` makes it. */
  readonly lines: string;
}

/** Of the worker. */
export interface Locking {
  readonly lockMs: number;
  /** "" without. */
  readonly name: string;
}

/** For so long jobs stay that are older than they may be. */
const REMOVAL_MS = 50;

/** Where in ARGV, counted from 1, calls begin, and of how many each consists. */
const CALLS_AT = 7;
const PARTS = 7;

/**
 * Completes and fetches jobs as BullMQ's own scripts do one: the keys and events are theirs. First it only reads, jobs and all that depends
 * on what is there, and what is the same for all of a call once. Where there is more to it than to most (a paused or limited queue, jobs with
 * parents, children or deduplication, a lock that is not held, delayed jobs that are due, old jobs to remove, markers of older BullMQs, a job
 * that cannot be read) it has written nothing and says so. Numbers that are the same each time stand there as texts: to write one down takes
 * Redis as long as to compare a hundred.
 *
 * ARGV: the keys' prefix, for how many milliseconds a lock is held, how many lines a log has, the worker's name or "", the time before which
 * completed jobs are too old, the latest time of a call that fetches; of each call id, token, timestamp, "1" to fetch, the return value,
 * data, lines. The queue's other keys are named here: each that is sent takes as long as a short text more.
 * Answers as BullMQ with one answer for each call, as msgpack; with "" when it is of the kind that is over once BullMQ's scripts have
 * done it: old jobs to remove, delayed ones that are due; or with nothing.
 */
const script = defineScript(
  "finish-many",
  `
local function look()
  local ARGV, rcall = ARGV, redis.call
  local prefix = ARGV[1]
  local meta = rcall("HMGET", KEYS[1], "opts.maxLenEvents", "paused", "concurrency", "max", "duration")
  if not meta[1] or meta[2] or meta[3] or meta[4] or meta[5] then return end

  -- What is too old is removed at most so often: ages are in seconds, and else each call would have some.
  local oldest = ARGV[5] ~= "0" and rcall("ZRANGE", prefix .. "completed", "0", "0", "WITHSCORES")[2]
  if oldest and oldest + ${REMOVAL_MS} <= tonumber(ARGV[5]) then return "" end
  local due = ARGV[6] ~= "0" and rcall("ZRANGEBYSCORE", prefix .. "delayed", "0", (ARGV[6] + 1) * 0x1000 - 1, "LIMIT", "0", "1")[1]
  if due then return "" end

  local ids, keys, locks, ties, wanted = {}, {}, {}, {}, 0
  for at = ${CALLS_AT}, #ARGV, ${PARTS} do
    if ARGV[at] ~= "" then
      local n, key = #ids + 1, prefix .. ARGV[at]
      ids[n], keys[n], locks[n], ties[2 * n - 1], ties[2 * n] = ARGV[at], key, key .. ":lock", key .. ":dependencies", key .. ":unsuccessful"
    end
    if ARGV[at + 3] == "1" then wanted = wanted + 1 end
  end

  local tries = {}
  if #ids > 0 then
    local holders = rcall("MGET", unpack(locks))
    if rcall("EXISTS", unpack(ties)) ~= 0 then return end
    local n = 0
    for at = ${CALLS_AT}, #ARGV, ${PARTS} do
      if ARGV[at] ~= "" then
        n = n + 1
        if holders[n] ~= ARGV[at + 1] then return end
        local job = rcall("HMGET", keys[n], "name", "atm", "parentKey", "deid")
        if not job[1] or job[3] or job[4] then return end
        tries[n] = job[2] and tostring(job[2] + 1) or "1"
      end
    end
  end

  local nexts, nextKeys, hashes, starts, waiting = {}, {}, {}, {}, 0
  if wanted > 0 then
    local last = rcall("LRANGE", prefix .. "wait", -wanted, "-1")
    waiting = #last
    for n = 1, waiting do nexts[n] = last[waiting + 1 - n] end
    if waiting < wanted then
      for n, id in ipairs(rcall("ZRANGE", prefix .. "prioritized", "0", wanted - waiting - 1)) do nexts[waiting + n] = id end
    end
    for n = 1, #nexts do
      if string.sub(nexts[n], 1, 2) == "0:" then return end
      local key = prefix .. nexts[n]
      local fields = rcall("HGETALL", key)
      nextKeys[n], hashes[n], starts[n] = key, fields, "1"
      for at = 1, #fields, 2 do
        if fields[at] == "ats" then starts[n] = tostring(fields[at + 1] + 1) end
      end
    end
  end
  return meta[1], ids, keys, locks, tries, nexts, nextKeys, hashes, starts, waiting
end

-- The fields of a job as BullMQ would hand it over, with what is written when it starts.
local function start(fields, key, timestamp, starts, name)
  local atOfStarts, atOfTime, atOfName
  for at = 1, #fields, 2 do
    local field = fields[at]
    if field == "ats" then atOfStarts = at elseif field == "processedOn" then atOfTime = at elseif field == "pb" then atOfName = at end
  end
  atOfTime = atOfTime or #fields + 1
  fields[atOfTime], fields[atOfTime + 1] = "processedOn", timestamp
  atOfStarts = atOfStarts or #fields + 1
  fields[atOfStarts], fields[atOfStarts + 1] = "ats", starts
  if name == "" then
    redis.call("HSET", key, "processedOn", timestamp, "ats", starts)
  else
    atOfName = atOfName or #fields + 1
    fields[atOfName], fields[atOfName + 1] = "pb", name
    redis.call("HSET", key, "processedOn", timestamp, "ats", starts, "pb", name)
  end
end

-- Lines for the job's own log are for people: whether they can be written changes nothing else.
local function log(logs, lines, keep)
  local count
  if string.find(lines, "\\0", 1, true) then
    for line in string.gmatch(lines, "[^%z]+") do count = redis.pcall("RPUSH", logs, line) end
  else
    count = redis.pcall("RPUSH", logs, lines)
  end
  if type(count) == "number" and count > tonumber(keep) then redis.call("LTRIM", logs, -keep, "-1") end
end

local isRead, maxEvents, ids, keys, locks, tries, nexts, nextKeys, hashes, starts, waiting = pcall(look)
if not isRead or not maxEvents then return end
if maxEvents == "" then return "" end

local ARGV, rcall = ARGV, redis.call
local prefix, lockMs, keepLines, name = unpack(ARGV, 1, 4)
local wait, active, events = prefix .. "wait", prefix .. "active", prefix .. "events"
local answers, scores, nth, taken, nobody = {}, {}, 0, 0, nil
if #ids > 0 then rcall("XTRIM", events, "MAXLEN", "~", maxEvents) end

for at = ${CALLS_AT}, #ARGV, ${PARTS} do
  local id, token, timestamp, fetches, answer = ARGV[at], ARGV[at + 1], ARGV[at + 2], ARGV[at + 3] == "1", 0
  if id ~= "" then
    local returnValue, data, lines = ARGV[at + 4], ARGV[at + 5], ARGV[at + 6]
    nth = nth + 1
    local key = keys[nth]
    if rcall("LREM", active, "-1", id) == 0 then
      answer = -3
      if data ~= "" then rcall("HSET", key, "data", data) end
    else
      scores[#scores + 1] = timestamp
      scores[#scores + 1] = id
      if lines ~= "" then log(key .. ":logs", lines, keepLines) end
      if data == "" then
        rcall("HSET", key, "atm", tries[nth], "returnvalue", returnValue, "finishedOn", timestamp)
      else
        rcall("HSET", key, "atm", tries[nth], "returnvalue", returnValue, "finishedOn", timestamp, "data", data)
      end
      rcall("XADD", events, "*", "event", "completed", "jobId", id, "returnvalue", returnValue, "prev", "active")
    end
  end
  if fetches and answer == 0 then
    local fields, nextId = hashes[taken + 1], nexts[taken + 1]
    if fields then
      taken = taken + 1
      local key = nextKeys[taken]
      if taken == 1 then rcall("ZADD", prefix .. "marker", "0", "0") end
      rcall("XADD", events, "*", "event", "active", "jobId", nextId, "prev", "waiting")
      rcall("SET", key .. ":lock", token, "PX", lockMs)
      start(fields, key, timestamp, starts[taken], name)
      answer = { fields, nextId, 0, 0 }
    else
      if not nobody then
        rcall("DEL", prefix .. "pc")
        nobody = { 0, 0, 0, (rcall("ZRANGE", prefix .. "delayed", "0", "0", "WITHSCORES")[2] or 0) / 0x1000 }
      end
      if id == "" or nobody[4] > 0 then answer = nobody end
    end
  end
  -- What was taken is still in its list.
  if id ~= "" and answer == 0 and rcall("LLEN", wait) == 0 and rcall("LLEN", active) == 0
    and rcall("ZCARD", prefix .. "prioritized") == 0 then
    rcall("XADD", events, "*", "event", "drained")
  end
  answers[#answers + 1] = answer
end

if taken > 0 then
  if waiting > 0 then rcall("LTRIM", wait, "0", -math.min(taken, waiting) - 1) end
  if taken > waiting then rcall("ZPOPMIN", prefix .. "prioritized", taken - waiting) end
  rcall("LPUSH", active, unpack(nexts, 1, taken))
end
if #ids > 0 then
  if #scores > 0 then rcall("ZADD", prefix .. "completed", unpack(scores)) end
  rcall("DEL", unpack(locks))
  rcall("SREM", prefix .. "stalled", unpack(ids))
end
return cmsgpack.pack(answers)`,
);

/**
 * @param prefix of the queue's keys, with the colon at its end
 * @returns answers for each call, in order, as BullMQ; or why there are none and nothing was written. Rejects when the whole did not come
 * through.
 */
export function finishMany(
  redis: Redis,
  prefix: string,
  { lockMs, name }: Locking,
): (calls: readonly Finish[]) => Promise<readonly Answer[] | "more to it" | "more to it, once"> {
  const keys = [`${prefix}meta`];
  const head = [prefix, lockMs, KEEP_LOG_LINES, name];
  return async (calls) => {
    const each: (string | number)[] = [];
    let before = 0;
    let latest = 0;
    for (const { id, token, at, fetches, keepMs, returnValue, data, lines } of calls) {
      if (id !== "") before = Math.max(before, at - keepMs);
      if (fetches) latest = Math.max(latest, at);
      each.push(id, token, at, fetches ? "1" : "0", returnValue, data, lines);
    }
    const packed = await script.runForBytes(redis, keys, [...head, before, latest, ...each]);
    if (packed === undefined) return "more to it";
    return packed.length === 0 ? "more to it, once" : answersIn(packed);
  };
}
