/** Of BullMQ's own functions, what the Lua below wants. */
export const WANTED_BY_MOVE = [
  "fetchNextJob",
  "promoteDelayedJobs",
  "removeJobKeys",
  "removeJobsByMaxAge",
  "trimEvents",
] as const;

/**
 * Completes and fetches jobs as BullMQ's own scripts do. For ordinary ones (no parents, children, metrics or deduplication; a queue
 * that is neither paused nor limited and has ordinary jobs waiting) it writes the same; what is the same for all of a call is asked
 * and written once. All else is done by BullMQ's own functions, before anything of it was written.
 */
export const LEAN_MOVE = `
local meta, promotedAt, hasTrimmed, fetchedFor, ahead
local next = {}
local function none() return { ids = {}, scores = {}, locks = {}, places = {} } end
local finished = none()

local function removeOld(KEYS, before)
  local oldest = rcall("ZRANGE", KEYS[11], 0, 0, "WITHSCORES")[2]
  if oldest and tonumber(oldest) <= before then
    bullmq().removeJobsByMaxAge(before, 0, KEYS[11], prefix, finished.limit)
  end
end

local function writeFinished()
  local KEYS, scores = finished.KEYS, finished.scores
  rcall("DEL", unpack(finished.locks))
  rcall("SREM", KEYS[5], unpack(finished.ids))
  if #scores > 0 then rcall("ZADD", KEYS[11], unpack(scores)) end
end

-- The ids that were taken from those looked at move on, before anybody else looks at the lists.
local function takeThem()
  local ids, taken = next.ids, next.taken or 0
  next.ids, next.taken = nil, nil
  if taken == 0 then return end
  rcall("LTRIM", next.KEYS[1], 0, -taken - 1)
  local inOrder = {}
  for i = #ids, #ids - taken + 1, -1 do inOrder[#inOrder + 1] = ids[i] end
  rcall("LPUSH", next.KEYS[2], unpack(inOrder))
end

local function settle()
  meta, promotedAt, hasTrimmed, ahead = nil, nil, nil, nil
  takeThem()
  if fetchedFor then rcall("ZADD", fetchedFor, 0, "0") end
  fetchedFor = nil
  if #finished.ids == 0 then return end
  writeFor(finished.places, writeFinished)
  -- The jobs are completed, whatever becomes of those before them; whoever completes next tries again.
  if finished.before then pcall(removeOld, finished.KEYS, finished.before) end
  finished = none()
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
  local isDue = rcall("ZRANGEBYSCORE", KEYS[7], 0, (timestamp + 1) * 0x1000 - 1, "LIMIT", 0, 1)[1]
  if isDue then
    takeThem()
    bullmq().promoteDelayedJobs(KEYS[7], markerKey, KEYS[1], KEYS[3], KEYS[4], prefix, timestamp, KEYS[10], false)
  end
  promotedAt = timestamp
end

-- The id of the job that is next, which is active from now on; nil when there is none, or a marker of an older BullMQ.
local function takeNext(KEYS)
  if ahead and ahead.fetches > 1 and not next.ids then
    next.KEYS, next.ids, next.taken = KEYS, rcall("LRANGE", KEYS[1], -ahead.fetches, -1), 0
  end
  local id
  if next.ids then
    id = next.ids[#next.ids - next.taken]
    if id and string.sub(id, 1, 2) ~= "0:" then
      next.taken = next.taken + 1
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

local function fetch(KEYS, markerKey, timestamp, opts, token)
  if not metaOf(KEYS).isPlain or opts['limiter'] or token == "0" then return nil end
  if promotedAt ~= timestamp then promote(KEYS, markerKey, timestamp) end
  local id = takeNext(KEYS)
  if not id then return nil end
  local key = prefix .. id
  rcall("SET", key .. ":lock", token, "PX", opts['lockDuration'])
  rcall("XADD", KEYS[4], "*", "event", "active", "jobId", id, "prev", "waiting")
  fetchedFor = markerKey
  return { started(key, timestamp, opts['name']), id, 0, 0 }
end

local function active(KEYS, at)
  local opts = cmsgpack.unpack(ARGV[at + 2])
  return fetch(KEYS, KEYS[11], ARGV[at + 1], opts, opts['token']) or byBullmq("moveToActive", KEYS, argumentsAt(at))
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

-- Arguments: id, timestamp, return value, whether to fetch, lock token, the job's new data or "", lines for its log; shared: options.
local function completedByBullmq(KEYS, at, opts)
  local id, timestamp, returnValue, fetchNext, token, data, lines = unpack(ARGV, at, at + 6)
  local all = { token = token }
  for name, value in pairs(opts) do all[name] = value end
  local key = KEYS[12]
  if lines ~= "" and rcall("GET", key .. ":lock") == token then addLines(key .. ":logs", lines, opts['keepLogs']) end
  local fields = data ~= "" and cmsgpack.pack({ "data", data }) or ""
  return byBullmq("moveToFinished", KEYS,
    { id, timestamp, "returnvalue", returnValue, "completed", fetchNext, prefix, cmsgpack.pack(all), fields })
end

-- Asks once for this call and those of its kind that follow it what can be asked of all of them together.
local function lookAhead(at)
  local keys, locks, ties, fetches, lockOf, tokens = {}, {}, {}, 0, {}, {}
  for at = at, last, step do
    local key = prefix .. ARGV[at]
    local n = #keys + 1
    keys[n] = key
    locks[n] = key .. ":lock"
    lockOf[key] = locks[n]
    ties[2 * n - 1] = key .. ":dependencies"
    ties[2 * n] = key .. ":unsuccessful"
    if ARGV[at + 3] == "1" then fetches = fetches + 1 end
  end
  local held = rcall("MGET", unpack(locks))
  for i, key in ipairs(keys) do tokens[key] = held[i] end
  ahead = { tokens = tokens, lockOf = lockOf, areFree = rcall("EXISTS", unpack(ties)) == 0, fetches = fetches }
end

-- How often the job has been tried with this time, unless there is more to it than to most. Nothing is written before all that it asks
-- is answered. Whether the job has a parent is asked of its hash: it may have got one since.
local function triesOfOrdinary(KEYS, id, key, token, opts)
  local keep = opts['keepJobs']
  if opts['maxMetricsSize'] ~= "" or token == "0" or (keep['count'] or -1) > 0 or (keep['age'] or 1) <= 0 then return nil end
  if ahead.tokens[key] ~= token then return nil end
  local job = redis.pcall("HMGET", key, "name", "atm", "parentKey", "deid")
  if not job[1] or job[3] or job[4] then return nil end
  if not ahead.areFree and rcall("EXISTS", key .. ":dependencies", key .. ":unsuccessful") ~= 0 then return nil end
  if rcall("LREM", KEYS[2], -1, id) < 1 then return nil end
  return job[2] and tostring(tonumber(job[2]) + 1) or "1"
end

local function keepIt(key, id, tries, timestamp, returnValue, data, keep)
  if data == "" then
    rcall("HSET", key, "atm", tries, "returnvalue", returnValue, "finishedOn", timestamp)
  else
    rcall("HSET", key, "atm", tries, "returnvalue", returnValue, "finishedOn", timestamp, "data", data)
  end
  local scores = finished.scores
  scores[#scores + 1] = timestamp
  scores[#scores + 1] = id
  if keep['age'] then
    local limit, soFar = keep['limit'] or 1000, finished.limit or 0
    finished.before = math.max(finished.before or 0, timestamp - keep['age'] * 1000)
    -- As many as one by one, but for BullMQ's own limit to what one call removes.
    finished.limit = math.max(limit, soFar, math.min(soFar + limit, 1000))
  end
end

local function complete(KEYS, at)
  local opts = valueOf(sharedOf(ARGV[at + 7]))
  local keep = opts['keepJobs']
  local id, timestamp, returnValue, fetchNext, token, data, lines = unpack(ARGV, at, at + 6)
  local key = prefix .. id
  KEYS[12] = key
  if not ahead or ahead.tokens[key] == nil then lookAhead(at) end
  local tries = triesOfOrdinary(KEYS, id, key, token, opts)
  if not tries then return completedByBullmq(KEYS, at, opts) end
  if not hasTrimmed then
    local most = metaOf(KEYS)[1]
    if most then rcall("XTRIM", KEYS[4], "MAXLEN", "~", most) else bullmq().trimEvents(KEYS[9], KEYS[4]) end
    hasTrimmed = true
  end
  finished.KEYS = KEYS
  finished.ids[#finished.ids + 1] = id
  finished.locks[#finished.locks + 1] = ahead.lockOf[key]
  finished.places[#finished.places + 1] = place
  if lines ~= "" then addLines(key .. ":logs", lines, opts['keepLogs']) end
  if keep['count'] == 0 then bullmq().removeJobKeys(key) else keepIt(key, id, tries, timestamp, returnValue, data, keep) end
  rcall("XADD", KEYS[4], "*", "event", "completed", "jobId", id, "returnvalue", returnValue, "prev", "active")
  if fetchNext == "1" then
    local job = fetch(KEYS, KEYS[14], timestamp, opts, token)
    if job then return job end
    -- What was asked of the others stands; of the job that is fetched here it is to be asked anew.
    local kept = ahead
    settle()
    ahead = kept
    local all = { token = token, lockDuration = opts['lockDuration'], name = opts['name'], limiter = opts['limiter'] }
    job = bullmq().fetchNextJob(KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[6], KEYS[7], KEYS[9], KEYS[10], KEYS[14], prefix, timestamp, all)
    if job then
      if ahead and job[2] then ahead.tokens[prefix .. job[2]] = nil end
      return job
    end
  end
  takeThem()
  if rcall("LLEN", KEYS[1]) == 0 and rcall("LLEN", KEYS[2]) == 0 and rcall("ZCARD", KEYS[3]) == 0 then
    rcall("XADD", KEYS[4], "*", "event", "drained")
  end
  return 0
end

local function failed(KEYS, at) return byBullmq("moveToFinished", KEYS, argumentsAt(at)) end
local function delayed(KEYS, at) return byBullmq("moveToDelayed", KEYS, argumentsAt(at)) end`;
