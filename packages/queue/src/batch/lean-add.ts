/**
 * Adds a job as BullMQ's own scripts do. For an ordinary job, whose id is free, it writes the same; what is the same for all of a call
 * is asked and written once. All else is done by BullMQ's own functions. Arguments: id, name, timestamp, data, options.
 */
export const LEAN_ADD = `
-- BullMQ answers with the id, whether the job is new or its id was taken. What stands there is what our callers ask.
local bullmqHandlesDuplicate = handleDuplicatedJob
handleDuplicatedJob = function(jobKey, ...)
  found = rcall("HGET", jobKey, "data")
  return bullmqHandlesDuplicate(jobKey, ...)
end

local added = { ids = {}, keys = {}, places = {} }

local function store(KEYS, ARGV, options)
  local id, name = ARGV[1], ARGV[2]
  local key = prefix .. id
  added.maxEvents = added.maxEvents or getOrSetMaxEvents(KEYS[3])
  rcall("HMSET", key, "name", name, "data", ARGV[4], "opts", options.json, "timestamp", ARGV[3], "delay", "0", "priority", "0")
  added.ids[#added.ids + 1] = id
  added.keys[#added.keys + 1] = key
  added.places[#added.places + 1] = #answers + 1
  rcall("XADD", KEYS[8], "*", "event", "added", "jobId", id, "name", name)
  rcall("XADD", KEYS[8], "*", "event", "waiting", "jobId", id)
  return id
end

-- They are in the queue by its last write, so that nothing that fails leaves an id there.
local function queueAdded()
  local KEYS = added.KEYS
  rcall("XTRIM", KEYS[8], "MAXLEN", "~", added.maxEvents)
  rcall("INCRBY", KEYS[4], #added.ids)
  addBaseMarkerIfNeeded(KEYS[9], isQueuePausedOrMaxed(KEYS[3], KEYS[7]))
  rcall("LPUSH", KEYS[1], unpack(added.ids))
end

-- Whoever is told of an error may add again, and must not find a job that is in no queue.
local function settle()
  if #added.ids == 0 then return end
  if not writeFor(added.places, queueAdded) then rcall("DEL", unpack(added.keys)) end
  added.ids, added.keys, added.places = {}, {}, {}
end

local function byBullmq(script)
  return function(KEYS, ARGV)
    settle()
    local options = sharedOf(ARGV[5])
    return script(KEYS, { cmsgpack.pack({ prefix, ARGV[1], ARGV[2], tonumber(ARGV[3]) }), ARGV[4], cmsgpack.pack(options.value) })
  end
end
local addStandard, addDelayed, addPrioritized =
  byBullmq(bullmq_addStandardJob), byBullmq(bullmq_addDelayedJob), byBullmq(bullmq_addPrioritizedJob)

local function addOrdinary(KEYS, ARGV)
  if rcall("EXISTS", prefix .. ARGV[1]) == 1 then return addStandard(KEYS, ARGV) end
  added.KEYS = KEYS
  return store(KEYS, ARGV, sharedOf(ARGV[5]))
end`;
