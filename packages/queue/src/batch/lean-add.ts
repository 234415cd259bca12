/** Of BullMQ's own functions, what the Lua below wants. */
export const WANTED_BY_ADD = ["getOrSetMaxEvents"] as const;

/** BullMQ answers with the id, whether the job is new or its id was taken. What stands there is what our callers ask. */
export const TELLS_WHAT_IS_TAKEN = `
local bullmqHandlesDuplicate = handleDuplicatedJob
handleDuplicatedJob = function(jobKey, ...)
  found = rcall("HGET", jobKey, "data")
  return bullmqHandlesDuplicate(jobKey, ...)
end`;

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

-- They are in the queue by its last write, so that nothing that fails leaves an id there.
local function queueAdded()
  local KEYS = addedTo
  if not hasTrimmed then rcall("XTRIM", KEYS[8], "MAXLEN", "~", meta[1]) end
  rcall("INCRBY", KEYS[4], ids[2] and #ids or "1")
  local isMaxed = meta[3] and rcall("LLEN", KEYS[7]) >= tonumber(meta[3])
  if not meta[2] and not isMaxed then rcall("ZADD", KEYS[9], "0", "0") end
  rcall("LPUSH", KEYS[1], unpack(ids))
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
  local shared = sharedOf(ARGV[at + 3])
  local name = shared[2]
  rcall("HMSET", key, "name", name, "data", ARGV[at + 2], "opts", shared[1], "timestamp", ARGV[at + 1],
    "delay", "0", "priority", "0")
  ids[#ids + 1] = id
  keys[#keys + 1] = key
  places[#places + 1] = place
  rcall("XADD", KEYS[8], "*", "event", "added", "jobId", id, "name", name)
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
 * Answers with the id; false, with nothing written, when there is more to it; { failed, why }.
 */
export const addOne = (failed: string): string => `
local prefix, id, timestamp, data, options, name = unpack(ARGV)
local key = prefix .. id
local meta = redis.call("HMGET", KEYS[3], "opts.maxLenEvents", "paused", "concurrency")
if not meta[1] or redis.call("EXISTS", key) == 1 then return false end
local ok, trouble = pcall(function()
  local rcall = redis.call
  rcall("HMSET", key, "name", name, "data", data, "opts", options, "timestamp", timestamp, "delay", "0", "priority", "0")
  rcall("XADD", KEYS[8], "*", "event", "added", "jobId", id, "name", name)
  rcall("XADD", KEYS[8], "MAXLEN", "~", meta[1], "*", "event", "waiting", "jobId", id)
  rcall("INCRBY", KEYS[4], "1")
  local isMaxed = meta[3] and rcall("LLEN", KEYS[7]) >= tonumber(meta[3])
  if not meta[2] and not isMaxed then rcall("ZADD", KEYS[9], "0", "0") end
  rcall("LPUSH", KEYS[1], id)
end)
if ok then return id end
redis.call("DEL", key)
return { "${failed}", type(trouble) == "table" and trouble.err or tostring(trouble) }`;
