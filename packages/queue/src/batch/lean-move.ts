/** Of BullMQ's own functions, what the Lua below wants. */
export const WANTED_BY_MOVE = [
  "fetchNextJob",
  "promoteDelayedJobs",
  "removeJobsByMaxAge",
  "trimEvents",
] as const;

/**
 * Completes and fetches jobs as BullMQ's own scripts do. For ordinary ones (no parents, children, metrics or deduplication; kept by age
 * when completed; a queue that is neither paused nor limited and has ordinary jobs waiting) it writes the same; what is the same for all
 * of a call is asked and written once. All else is done by BullMQ's own functions, before anything of it was written. Numbers that are
 * the same each time stand there as texts: to write one down takes Redis as long as to compare a hundred.
 */
export const LEAN_MOVE = `
local meta, promotedAt, hasTrimmed, fetchedFor
-- What was asked once of calls that follow each other: names of locks and who holds them, whether no job has ties, how many calls fetch.
local ahead
-- The ids that are next in the queue, how many of them were taken, and where they are.
local idsAhead, taken, wait, active
-- What is written once for all that completed.
local finished

local function removeOld()
  local before, completed = finished.before, finished.keys[11]
  local oldest = rcall("ZRANGE", completed, "0", "0", "WITHSCORES")[2]
  if oldest and tonumber(oldest) <= before then bullmq().removeJobsByMaxAge(before, 0, completed, prefix, 1000) end
end

local function writeFinished()
  rcall("DEL", unpack(finished.locks))
  rcall("SREM", finished.keys[5], unpack(finished.ids))
  rcall("ZADD", finished.keys[11], unpack(finished.scores))
end

-- The ids that were taken from those looked at move on, before anybody else looks at the lists.
local function takeThem()
  local ids, count = idsAhead, taken
  idsAhead, taken = nil, 0
  if not ids or count == 0 then return end
  rcall("LTRIM", wait, "0", -count - 1)
  local inOrder = {}
  for i = #ids, #ids - count + 1, -1 do inOrder[#inOrder + 1] = ids[i] end
  rcall("LPUSH", active, unpack(inOrder))
end

local function settle()
  meta, promotedAt, hasTrimmed, ahead = nil, nil, nil, nil
  takeThem()
  if fetchedFor then rcall("ZADD", fetchedFor, "0", "0") end
  fetchedFor = nil
  if not finished then return end
  writeFor(finished.places, writeFinished)
  -- The jobs are completed, whatever becomes of those before them; whoever completes next tries again.
  pcall(removeOld)
  finished = nil
end

-- How the queue is: the length of its events, and what keeps it from being a plain one.
local function metaOf(KEYS)
  if not meta then
    meta = rcall("HMGET", KEYS[9], "opts.maxLenEvents", "paused", "concurrency", "max", "duration")
    meta.isPlain = not (meta[2] or meta[3] or meta[4] or meta[5])
  end
  return meta
end

local function byBullmq(script, KEYS, ARGV)
  settle()
  return bullmq()[script](KEYS, ARGV)
end

local function put(fields, place, name, value)
  if not place then place = #fields + 1 end
  fields[place], fields[place + 1] = name, value
end

-- The job as BullMQ would hand it over, with what is written at the same time.
local function started(key, timestamp, name)
  local fields = rcall("HGETALL", key)
  local atOfStarts, atOfTime, atOfName
  for at = 1, #fields, 2 do
    local field = fields[at]
    if field == "ats" then atOfStarts = at elseif field == "processedOn" then atOfTime = at elseif field == "pb" then atOfName = at end
  end
  local starts = atOfStarts and tostring(tonumber(fields[atOfStarts + 1]) + 1) or "1"
  put(fields, atOfTime, "processedOn", timestamp)
  put(fields, atOfStarts, "ats", starts)
  if name then
    put(fields, atOfName, "pb", name)
    rcall("HSET", key, "processedOn", timestamp, "ats", starts, "pb", name)
  else
    rcall("HSET", key, "processedOn", timestamp, "ats", starts)
  end
  return fields
end

local function promote(KEYS, markerKey, timestamp)
  local isDue = rcall("ZRANGEBYSCORE", KEYS[7], "0", (timestamp + 1) * 0x1000 - 1, "LIMIT", "0", "1")[1]
  if isDue then
    takeThem()
    bullmq().promoteDelayedJobs(KEYS[7], markerKey, KEYS[1], KEYS[3], KEYS[4], prefix, timestamp, KEYS[10], false)
  end
  promotedAt = timestamp
end

-- The id of the job that is next, which is active from now on; nil when there is none, or a marker of an older BullMQ.
local function takeNext(KEYS)
  if ahead and ahead.fetches > 1 and not idsAhead then
    wait, active = KEYS[1], KEYS[2]
    idsAhead, taken = rcall("LRANGE", wait, -ahead.fetches, "-1"), 0
  end
  local id
  if idsAhead then
    id = idsAhead[#idsAhead - taken]
    if id and string.sub(id, 1, 2) ~= "0:" then
      taken = taken + 1
      return id
    end
    takeThem()
    if id then return nil end
  end
  id = rcall("RPOPLPUSH", KEYS[1], KEYS[2])
  if id and string.sub(id, 1, 2) == "0:" then
    rcall("RPUSH", KEYS[1], rcall("LPOP", KEYS[2]))
    return nil
  end
  return id
end

local function fetch(KEYS, markerKey, timestamp, token, lockFor, name)
  if not metaOf(KEYS).isPlain or token == "0" then return nil end
  if promotedAt ~= timestamp then promote(KEYS, markerKey, timestamp) end
  local id = takeNext(KEYS)
  if not id then return nil end
  local key = prefix .. id
  rcall("SET", key .. ":lock", token, "PX", lockFor)
  rcall("XADD", KEYS[4], "*", "event", "active", "jobId", id, "prev", "waiting")
  fetchedFor = markerKey
  return { started(key, timestamp, name), id, 0, 0 }
end

local function activate(KEYS, at)
  local opts = cmsgpack.unpack(ARGV[at + 2])
  return not opts['limiter'] and fetch(KEYS, KEYS[11], ARGV[at + 1], opts['token'], opts['lockDuration'], opts['name'])
    or byBullmq("moveToActive", KEYS, argumentsAt(at))
end

-- Lines for the job's own log are for people: whether they can be written changes nothing else.
local function addLines(logsKey, lines, keep)
  local count
  if string.find(lines, "\\0", 1, true) then
    local all = {}
    for line in string.gmatch(lines, "[^%z]+") do all[#all + 1] = line end
    count = redis.pcall("RPUSH", logsKey, unpack(all))
  else
    count = redis.pcall("RPUSH", logsKey, lines)
  end
  if type(count) ~= "number" then return 0 end
  if count > keep then rcall("LTRIM", logsKey, 0 - keep, -1) end
  return math.min(count, keep)
end

-- Arguments: how many to keep, the lines.
local function addLogs(KEYS, at)
  if rcall("EXISTS", KEYS[1]) == 0 then return -1 end
  return addLines(KEYS[2], ARGV[at + 1], tonumber(ARGV[at]))
end

local function completedByBullmq(KEYS, at, key, shared)
  local id, timestamp, returnValue, fetchNext, token, data, lines = unpack(ARGV, at, at + 6)
  local opts = { token = token }
  for name, value in pairs(valueOf(shared)) do opts[name] = value end
  if lines ~= "" and rcall("GET", key .. ":lock") == token then addLines(key .. ":logs", lines, tonumber(shared[4])) end
  local fields = data ~= "" and cmsgpack.pack({ "data", data }) or ""
  KEYS[12] = key
  return byBullmq("moveToFinished", KEYS,
    { id, timestamp, "returnvalue", returnValue, "completed", fetchNext, prefix, cmsgpack.pack(opts), fields })
end

-- Asks once for this call and those of its kind that follow it what can be asked of all of them together.
local function lookAhead(at)
  local locks, ties, fetches = {}, {}, 0
  for at = at, last, step do
    local key = prefix .. ARGV[at]
    local n = #locks + 1
    locks[n] = key .. ":lock"
    ties[2 * n - 1] = key .. ":dependencies"
    ties[2 * n] = key .. ":unsuccessful"
    if ARGV[at + 3] == "1" then fetches = fetches + 1 end
  end
  local holders = rcall("MGET", unpack(locks))
  local areFree = rcall("EXISTS", unpack(ties)) == 0
  ahead = { first = at, last = last, locks = locks, holders = holders, areFree = areFree, fetches = fetches }
end

-- How often the job has been tried with this time, unless there is more to it than to most. Nothing is written before all that it asks
-- is answered. Whether the job has a parent is asked of its hash: it may have got one since.
local function triesOfOrdinary(KEYS, id, key)
  local job = redis.pcall("HMGET", key, "name", "atm", "parentKey", "deid")
  if not job[1] or job[3] or job[4] then return nil end
  if not ahead.areFree and rcall("EXISTS", key .. ":dependencies", key .. ":unsuccessful") ~= 0 then return nil end
  if rcall("LREM", KEYS[2], "-1", id) < 1 then return nil end
  return job[2] and tostring(tonumber(job[2]) + 1) or "1"
end

-- Arguments: id, timestamp, return value, whether to fetch, lock token, the job's new data or "", lines for its log; shared: BullMQ's
-- options, for how many milliseconds completed jobs stay, or "" when there is more to it, for how many a lock is held, how many lines a
-- log has, the worker's name or "".
local function complete(KEYS, at)
  local id, timestamp, returnValue, fetchNext, token, data, lines = unpack(ARGV, at, at + 6)
  local shared = sharedOf(ARGV[at + 7])
  local key = prefix .. id
  if shared[2] == "" or token == "0" then return completedByBullmq(KEYS, at, key, shared) end
  if not ahead or at > ahead.last then lookAhead(at) end
  local nth = (at - ahead.first) / step + 1
  local tries = ahead.holders[nth] == token and triesOfOrdinary(KEYS, id, key)
  if not tries then return completedByBullmq(KEYS, at, key, shared) end
  if not hasTrimmed then
    local most = metaOf(KEYS)[1]
    if most then rcall("XTRIM", KEYS[4], "MAXLEN", "~", most) else bullmq().trimEvents(KEYS[9], KEYS[4]) end
    hasTrimmed = true
  end
  finished = finished or { keys = KEYS, ids = {}, scores = {}, locks = {}, places = {}, before = 0 }
  local n = #finished.ids + 1
  finished.ids[n], finished.locks[n], finished.places[n] = id, ahead.locks[nth], place
  finished.scores[2 * n - 1], finished.scores[2 * n] = timestamp, id
  finished.before = math.max(finished.before, timestamp - shared[2])
  if lines ~= "" then addLines(key .. ":logs", lines, tonumber(shared[4])) end
  if data == "" then
    rcall("HSET", key, "atm", tries, "returnvalue", returnValue, "finishedOn", timestamp)
  else
    rcall("HSET", key, "atm", tries, "returnvalue", returnValue, "finishedOn", timestamp, "data", data)
  end
  rcall("XADD", KEYS[4], "*", "event", "completed", "jobId", id, "returnvalue", returnValue, "prev", "active")
  if fetchNext == "1" then
    local name = shared[5] ~= "" and shared[5] or nil
    local job = fetch(KEYS, KEYS[14], timestamp, token, shared[3], name)
    if job then return job end
    -- What was asked of the others stands: who holds a job's lock has it active, and nobody fetches it.
    local kept = ahead
    settle()
    ahead = kept
    local opts = { token = token, lockDuration = shared[3], name = name }
    job = bullmq().fetchNextJob(KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[6], KEYS[7], KEYS[9], KEYS[10], KEYS[14], prefix, timestamp, opts)
    if job then return job end
  end
  takeThem()
  if rcall("LLEN", KEYS[1]) == 0 and rcall("LLEN", KEYS[2]) == 0 and rcall("ZCARD", KEYS[3]) == 0 then
    rcall("XADD", KEYS[4], "*", "event", "drained")
  end
  return 0
end
`;

/** What a call does that goes BullMQ's way, as a Lua function. */
export const byBullmq = (script: string): string =>
  `function(KEYS, at) return byBullmq("${script}", KEYS, argumentsAt(at)) end`;
