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
 * is asked and written once. All else is done by BullMQ's own functions. Arguments: id, name, timestamp, data, options.
 */
export const LEAN_ADD = `
local ids, keys, places, addedTo, maxEvents = {}, {}, {}, nil, nil
-- Ids that are known to be free.
local free

-- Asks once whether this id and those that follow it are free.
local function lookAhead()
  local all, known = {}, {}
  local first, last, step = alike()
  for at = first, last, step do
    all[#all + 1] = prefix .. ARGV[at]
    known[ARGV[at]] = true
  end
  free = rcall("EXISTS", unpack(all)) == 0 and known or {}
end

-- They are in the queue by its last write, so that nothing that fails leaves an id there.
local function queueAdded()
  local KEYS = addedTo
  rcall("XTRIM", KEYS[8], "MAXLEN", "~", maxEvents)
  rcall("INCRBY", KEYS[4], #ids)
  local meta = rcall("HMGET", KEYS[3], "paused", "concurrency")
  local isMaxed = meta[2] and rcall("LLEN", KEYS[7]) >= tonumber(meta[2])
  if not meta[1] and not isMaxed then rcall("ZADD", KEYS[9], 0, "0") end
  rcall("LPUSH", KEYS[1], unpack(ids))
end

-- Whoever is told of an error may add again, and must not find a job that is in no queue.
local function settle()
  if #ids == 0 then return end
  if not writeFor(places, queueAdded) then rcall("DEL", unpack(keys)) end
  ids, keys, places = {}, {}, {}
end

local function byBullmq(script)
  return function(KEYS, ARGV)
    settle()
    if free then free[ARGV[1]] = nil end
    local args = cmsgpack.pack({ prefix, ARGV[1], ARGV[2], tonumber(ARGV[3]) })
    return bullmq()[script](KEYS, { args, ARGV[4], cmsgpack.pack(sharedOf(ARGV[5]).value) })
  end
end
local addStandard, addDelayed, addPrioritized =
  byBullmq("addStandardJob"), byBullmq("addDelayedJob"), byBullmq("addPrioritizedJob")

local function addOrdinary(KEYS, ARGV)
  local id, name = ARGV[1], ARGV[2]
  local key = prefix .. id
  if not free then lookAhead() end
  if not free[id] and rcall("EXISTS", key) == 1 then return addStandard(KEYS, ARGV) end
  free[id] = nil
  addedTo = KEYS
  maxEvents = maxEvents or rcall("HGET", KEYS[3], "opts.maxLenEvents") or bullmq().getOrSetMaxEvents(KEYS[3])
  rcall("HMSET", key, "name", name, "data", ARGV[4], "opts", sharedOf(ARGV[5]).json, "timestamp", ARGV[3],
    "delay", "0", "priority", "0")
  ids[#ids + 1] = id
  keys[#keys + 1] = key
  places[#places + 1] = place
  rcall("XADD", KEYS[8], "*", "event", "added", "jobId", id, "name", name)
  rcall("XADD", KEYS[8], "*", "event", "waiting", "jobId", id)
  return id
end`;
