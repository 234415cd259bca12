import { FAILED } from "./driver.ts";

/** Of BullMQ's own functions, what the Lua below wants. */
export const WANTED_BY_ADD = ["getOrSetMaxEvents"] as const;

/** BullMQ answers with the id, whether the job is new or its id was taken. What stands there is what our callers ask. */
export const TELLS_WHAT_IS_TAKEN = `
local bullmqHandlesDuplicate = handleDuplicatedJob
handleDuplicatedJob = function(jobKey, ...)
  found = rcall("HGET", jobKey, "data")
  return bullmqHandlesDuplicate(jobKey, ...)
end`;

/** Stores an ordinary job whose id is free, and tells of it. */
const STORE = `rcall("HMSET", key, "name", name, "data", data, "opts", options, "timestamp", timestamp, "delay", "0", "priority", "0")
  rcall("XADD", KEYS[8], "*", "event", "added", "jobId", id, "name", name)`;

/** Puts those that are stored into the queue by its last write, so that nothing that fails leaves an id there. */
const QUEUE = `rcall("INCRBY", KEYS[4], ids[2] and #ids or "1")
  local isMaxed = meta[3] and rcall("LLEN", KEYS[7]) >= tonumber(meta[3])
  if not meta[2] and not isMaxed then rcall("ZADD", KEYS[9], "0", "0") end
  rcall("LPUSH", KEYS[1], unpack(ids))`;

/**
 * Adds a job as BullMQ's own scripts do. For an ordinary job, whose id is free, it writes the same; what is the same for all of a call
 * is asked and written once. All else is done by BullMQ's own functions. Arguments: id, timestamp, data, and shared: options, name.
 */
export const LEAN_ADD = `
local ids, keys, places, hasTrimmed = {}, {}, {}, false
-- How the queue is: the length of its events, whether it is paused, and how many may be active.
local addedTo, meta
-- Ids that are known to be free.
local free

-- Asks once whether this id and those that follow it are free.
local function lookAhead(at)
  local all, known = {}, {}
  for at = at, last, step do
    local id = ARGV[at]
    all[#all + 1] = prefix .. id
    known[id] = true
  end
  free = rcall("EXISTS", unpack(all)) == 0 and known or {}
end

local function queueAdded()
  local KEYS = addedTo
  if not hasTrimmed then rcall("XTRIM", KEYS[8], "MAXLEN", "~", meta[1]) end
  ${QUEUE}
end

-- Whoever is told of an error may add again, and must not find a job that is in no queue.
local function settle()
  if #ids == 0 then return end
  if not writeFor(places, queueAdded) then rcall("DEL", unpack(keys)) end
  ids, keys, places, hasTrimmed = {}, {}, {}, false
end

local function byBullmq(script)
  return function(KEYS, at)
    settle()
    local id, shared = ARGV[at], sharedOf(ARGV[at + 3])
    if free then free[id] = nil end
    local args = cmsgpack.pack({ prefix, id, shared[2], tonumber(ARGV[at + 1]) })
    return bullmq()[script](KEYS, { args, ARGV[at + 2], cmsgpack.pack(valueOf(shared)) })
  end
end
local addStandard, addDelayed, addPrioritized =
  byBullmq("addStandardJob"), byBullmq("addDelayedJob"), byBullmq("addPrioritizedJob")

local function addOrdinary(KEYS, at)
  local id = ARGV[at]
  local key = prefix .. id
  if not free then lookAhead(at) end
  if not free[id] and rcall("EXISTS", key) == 1 then return addStandard(KEYS, at) end
  free[id] = nil
  if not meta then
    addedTo, meta = KEYS, rcall("HMGET", KEYS[3], "opts.maxLenEvents", "paused", "concurrency")
    meta[1] = meta[1] or bullmq().getOrSetMaxEvents(KEYS[3])
  end
  local timestamp, data, shared = ARGV[at + 1], ARGV[at + 2], sharedOf(ARGV[at + 3])
  local options, name = shared[1], shared[2]
  ids[#ids + 1] = id
  keys[#keys + 1] = key
  places[#places + 1] = place
  ${STORE}
  if at == last then
    rcall("XADD", KEYS[8], "MAXLEN", "~", meta[1], "*", "event", "waiting", "jobId", id)
    hasTrimmed = true
  else
    rcall("XADD", KEYS[8], "*", "event", "waiting", "jobId", id)
  end
  return id
end`;

/**
 * Adds one ordinary job as the Lua above does, which spends more on making its functions than on a job that goes alone.
 * KEYS as for `addOrdinary`. ARGV: prefix, id, timestamp, data, options, name.
 * Answers with the id; false, with nothing written, when there is more to it; { FAILED, why }.
 */
export const ADD_ONE = `
local prefix, id, timestamp, data, options, name = unpack(ARGV)
local rcall, key, ids = redis.call, prefix .. id, { id }
local meta = rcall("HMGET", KEYS[3], "opts.maxLenEvents", "paused", "concurrency")
if not meta[1] or rcall("EXISTS", key) == 1 then return false end
local ok, trouble = pcall(function()
  ${STORE}
  rcall("XADD", KEYS[8], "MAXLEN", "~", meta[1], "*", "event", "waiting", "jobId", id)
  ${QUEUE}
end)
if ok then return id end
rcall("DEL", key)
return { "${FAILED}", type(trouble) == "table" and trouble.err or tostring(trouble) }`;
