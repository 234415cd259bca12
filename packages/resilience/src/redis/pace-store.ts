import { randomUUID } from "node:crypto";

import type { Redis } from "ioredis";

import { BUCKETS, type Measure, SLACK_MS } from "../pace/limit.ts";
import type { PaceAsk, PaceGrant, PaceStore } from "../pace/store.ts";
import { fleetKeys } from "./keys.ts";
import { defineScript } from "./script.ts";

/** A process that has not asked for so long uses the account no more. */
const USER_MS = 10_000;

const leaseScript = defineScript(
  "lease-permits",
  `--[[
  Leases permits of an account or a budget, all of its measures willing.
  KEYS[1] its books, a hash  KEYS[2] the processes that use it, a sorted set by when they last asked
  ARGV[1] the process  ARGV[2] how many permits it wants  ARGV[3] fewer are of no use, 0 to look only
  ARGV[4] how many it used without asking  ARGV[5] what it has earned
  ARGV[6] for how many milliseconds the provider wants nobody to call  ARGV[7] how many calls the provider says are left,
  -1 for unsaid  ARGV[8] for how many milliseconds that holds
  ARGV[9] buckets of a counted window  ARGV[10] milliseconds for which a bucket counts beyond it  ARGV[11] milliseconds after
  which a process counts no more  ARGV[12] how many measures; of each four: "even", interval, tolerance (milliseconds), 0; or
  "count", floor, share of what was earned, window (milliseconds). After them the unused permits: pairs of how many, taken when
  Answers {granted, room, opens in ms, closed for ms, users, said to be left or -1, for ms, left in counted windows or -1, now}.
  In the hash: "even:…" when the bucket would be full again; "count:…:<slot>" index, taken and earned of a bucket;
  "closed" until when; "said" how many, until when. Room without a measure is -1.
]]
local time = redis.call("TIME")
local now = tonumber(time[1]) * 1000 + tonumber(time[2]) / 1000
local want, need, spent, earned = tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4]), tonumber(ARGV[5])
local buckets, slackMs, userMs = tonumber(ARGV[9]), tonumber(ARGV[10]), tonumber(ARGV[11])
local measures = tonumber(ARGV[12])
local lotsFrom = 13 + 4 * measures
local keepMs = 3600000

local function numbers(text)
  local found = {}
  for word in string.gmatch(text or "", "%S+") do found[#found + 1] = tonumber(word) end
  return found
end

local function evenBook(intervalText, toleranceText)
  local interval, tolerance = tonumber(intervalText), tonumber(toleranceText)
  local field = "even:" .. intervalText .. ":" .. toleranceText
  local fullAt = tonumber(redis.call("HGET", KEYS[1], field) or "0")
  local book = { burst = math.floor(tolerance / interval) + 1 }
  function book.room() return math.floor((now + tolerance - math.max(fullAt, now)) / interval + 1 + 1e-6) end
  function book.opensIn(some) return fullAt + (math.min(some, book.burst) - 1) * interval - tolerance - now end
  function book.add(permits) fullAt = math.max(fullAt, now) + permits * interval end
  function book.giveBack(permits) fullAt = fullAt - permits * interval end
  function book.save() redis.call("HSET", KEYS[1], field, string.format("%.3f", fullAt)) end
  return book
end

local function countBook(floor, share, perMs)
  local width = perMs / buckets
  local slots = buckets + math.ceil(slackMs / width) + 2
  local fields, changed = {}, {}
  for slot = 0, slots - 1 do fields[slot + 1] = "count:" .. perMs .. ":" .. slot end
  local values = redis.call("HMGET", KEYS[1], unpack(fields))
  local at, taken, gained, oldest = {}, 0, 0, nil
  local function endsAt(index) return (index + 1) * width + perMs + slackMs end
  for slot = 1, slots do
    local parts = numbers(values[slot])
    if #parts == 3 and endsAt(parts[1]) > now then
      at[slot] = parts
      taken, gained = taken + parts[2], gained + parts[3]
      if parts[2] > 0 and (oldest == nil or parts[1] < oldest) then oldest = parts[1] end
    end
  end
  local function change(index, which, by)
    local slot = index % slots + 1
    if at[slot] == nil or at[slot][1] ~= index then at[slot] = { index, 0, 0 } end
    local before = at[slot][which]
    at[slot][which] = math.max(0, before + by)
    changed[slot] = true
    return at[slot][which] - before
  end
  local here = math.floor(now / width)
  local book = { burst = math.huge, counted = true }
  if perMs * 2 > keepMs then keepMs = perMs * 2 end
  function book.room() return math.floor(floor + share * gained - taken + 1e-6) end
  function book.opensIn(some)
    if book.room() >= some then return 0 end
    return oldest and endsAt(oldest) - now or width
  end
  function book.add(permits) taken = taken + change(here, 2, permits) end
  function book.earn(amount) gained = gained + change(here, 3, amount) end
  function book.giveBack(permits, when)
    local index = math.floor(when / width)
    if endsAt(index) > now and at[index % slots + 1] and at[index % slots + 1][1] == index then
      taken = taken + change(index, 2, 0 - permits)
    end
  end
  function book.save()
    for slot in pairs(changed) do
      local parts = at[slot]
      redis.call("HSET", KEYS[1], fields[slot], string.format("%.0f %.10g %.10g", parts[1], parts[2], parts[3]))
    end
  end
  return book
end

local books = {}
for nth = 0, measures - 1 do
  local from = 13 + 4 * nth
  if ARGV[from] == "even" then books[#books + 1] = evenBook(ARGV[from + 1], ARGV[from + 2])
  else books[#books + 1] = countBook(tonumber(ARGV[from + 1]), tonumber(ARGV[from + 2]), tonumber(ARGV[from + 3])) end
end
for _, book in ipairs(books) do
  for lot = lotsFrom, #ARGV - 1, 2 do book.giveBack(tonumber(ARGV[lot]), tonumber(ARGV[lot + 1])) end
  if book.counted and spent ~= 0 then book.add(spent) end
  if book.counted and earned ~= 0 then book.earn(earned) end
end

local closedUntil = tonumber(redis.call("HGET", KEYS[1], "closed") or "0")
if now + tonumber(ARGV[6]) > math.max(closedUntil, now) then
  closedUntil = now + tonumber(ARGV[6])
  redis.call("HSET", KEYS[1], "closed", string.format("%.0f", closedUntil))
end
local said
if tonumber(ARGV[7]) >= 0 then
  said = { tonumber(ARGV[7]), now + tonumber(ARGV[8]) }
  redis.call("HSET", KEYS[1], "said", string.format("%.0f %.0f", said[1], said[2]))
else
  said = numbers(redis.call("HGET", KEYS[1], "said") or "")
end
if #said < 2 or said[2] <= now then said = { -1, now } end

local granted = 0
local closedFor = math.max(0, closedUntil - now)
local function roomOf(countedOnly)
  local room = math.huge
  for _, book in ipairs(books) do
    if book.counted or not countedOnly then room = math.min(room, book.room()) end
  end
  return room
end
if need > 0 and closedFor == 0 then
  local may = true
  for _, book in ipairs(books) do may = may and book.room() >= math.min(need, book.burst) end
  if may then
    granted = math.max(need, math.min(want, roomOf(false)))
    for _, book in ipairs(books) do book.add(granted) end
  end
end
local opensIn = closedFor
for _, book in ipairs(books) do
  opensIn = math.max(opensIn, book.opensIn(math.max(need, 1)))
  book.save()
end

redis.call("ZADD", KEYS[2], string.format("%.0f", now), ARGV[1])
redis.call("ZREMRANGEBYSCORE", KEYS[2], "-inf", string.format("(%.0f", now - userMs))
redis.call("PEXPIRE", KEYS[1], string.format("%.0f", keepMs))
redis.call("PEXPIRE", KEYS[2], string.format("%.0f", userMs * 2))
local function finite(number) return number == math.huge and -1 or math.max(0, number) end
return {
  granted, finite(roomOf(false)), math.ceil(opensIn), math.ceil(closedFor), redis.call("ZCARD", KEYS[2]),
  said[1], math.ceil(said[2] - now), finite(roomOf(true)), math.floor(now),
}`,
);

/**
 * The books of a fleet's accounts and budgets on Redis, by the server's own clock.
 * @param self this process's name among those that use them
 */
export function openPaceStore(redis: Redis, namespace?: string, self: string = randomUUID()): PaceStore {
  const keys = fleetKeys(namespace);
  return {
    async lease({ books, name }, ask) {
      const key = keys[books](name);
      return grantIn(await leaseScript(redis, [key, `${key}:users`], [self, ...argsOf(ask)]));
    },
  };
}

function argsOf({
  measures,
  want,
  need,
  back,
  spent,
  earned,
  closeForMs,
  pace,
}: PaceAsk): (string | number)[] {
  return [
    want,
    need,
    spent,
    earned,
    closeForMs,
    pace?.remaining ?? -1,
    pace?.resetsInMs ?? 0,
    BUCKETS,
    SLACK_MS,
    USER_MS,
    measures.length,
    ...measures.flatMap(measureArgs),
    ...back.flatMap(({ permits, at }) => [permits, at]),
  ];
}

function measureArgs(measure: Measure): readonly (string | number)[] {
  return measure.kind === "even"
    ? ["even", measure.intervalMs, measure.toleranceMs, 0]
    : ["count", measure.floor, measure.share, measure.perMs];
}

function grantIn(answer: unknown): PaceGrant {
  const [granted, room, opensInMs, closedForMs, users, remaining, resetsInMs, left, at] = (
    answer as readonly (number | string)[]
  ).map(Number) as [number, number, number, number, number, number, number, number, number];
  return {
    granted,
    room: room < 0 ? Infinity : room,
    opensInMs: Math.max(0, opensInMs),
    closedForMs,
    users,
    ...(remaining < 0 ? {} : { pace: { remaining, resetsInMs } }),
    left: left < 0 ? Infinity : left,
    at,
  };
}
