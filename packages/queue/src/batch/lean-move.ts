/**
 * Completes and fetches jobs as BullMQ's own scripts do. For ordinary ones (no parents, children, metrics or deduplication; a queue
 * that is neither paused nor limited and has ordinary jobs waiting) it writes the same; what is the same for all of a call is asked
 * and written once. All else is done by BullMQ's own functions, before anything of it was written.
 */
export const LEAN_MOVE = `
local isPlainQueue, promotedAt, hasTrimmed, fetchedFor
local function none() return { ids = {}, scores = {}, locks = {}, places = {} } end
local finished = none()

local function writeFinished()
  local KEYS, scores, before = finished.KEYS, finished.scores, finished.before
  rcall("DEL", unpack(finished.locks))
  rcall("SREM", KEYS[5], unpack(finished.ids))
  if #scores > 0 then rcall("ZADD", KEYS[11], unpack(scores)) end
  if before then removeJobsByMaxAge(before, 0, KEYS[11], prefix, finished.limit) end
end

local function settle()
  isPlainQueue, promotedAt, hasTrimmed = nil, nil, nil
  if fetchedFor then addBaseMarkerIfNeeded(fetchedFor, false) end
  fetchedFor = nil
  if #finished.ids == 0 then return end
  writeFor(finished.places, writeFinished)
  finished = none()
end

local function byBullmq(script, KEYS, ARGV)
  settle()
  return script(KEYS, ARGV)
end

-- The job as BullMQ would hand it over, with what is written at the same time.
local function started(key, timestamp, opts)
  local fields = rcall("HGETALL", key)
  local starts, places = 1, {}
  for at = 1, #fields, 2 do
    if fields[at] == "ats" then starts = tonumber(fields[at + 1]) + 1 end
    places[fields[at]] = at
  end
  local now = { "processedOn", timestamp, "ats", tostring(starts) }
  if opts['name'] then now[5], now[6] = "pb", opts['name'] end
  for at = 1, #now, 2 do
    local place = places[now[at]] or #fields + 1
    fields[place], fields[place + 1] = now[at], now[at + 1]
  end
  rcall("HSET", key, unpack(now))
  return fields
end

local function fetch(KEYS, markerKey, timestamp, opts, token)
  if isPlainQueue == nil then
    local meta = rcall("HMGET", KEYS[9], "paused", "concurrency", "max", "duration")
    isPlainQueue = not (meta[1] or meta[2] or meta[3] or meta[4])
  end
  if not isPlainQueue or opts['limiter'] or token == "0" then return nil end
  if promotedAt ~= timestamp then
    promoteDelayedJobs(KEYS[7], markerKey, KEYS[1], KEYS[3], KEYS[4], prefix, timestamp, KEYS[10], false)
    promotedAt = timestamp
  end
  local id = rcall("RPOPLPUSH", KEYS[1], KEYS[2])
  if not id then return nil end
  -- A marker of an older BullMQ.
  if string.sub(id, 1, 2) == "0:" then
    rcall("RPUSH", KEYS[1], rcall("LPOP", KEYS[2]))
    return nil
  end
  local key = prefix .. id
  rcall("SET", key .. ":lock", token, "PX", opts['lockDuration'])
  rcall("XADD", KEYS[4], "*", "event", "active", "jobId", id, "prev", "waiting")
  fetchedFor = markerKey
  return { started(key, timestamp, opts), id, 0, 0 }
end

local function active(KEYS, ARGV)
  local opts = cmsgpack.unpack(ARGV[3])
  return fetch(KEYS, KEYS[11], ARGV[2], opts, opts['token']) or byBullmq(bullmq_moveToActive, KEYS, ARGV)
end

-- Arguments: id, timestamp, return value, whether to fetch, lock token, the job's new data or "", options.
local function completedByBullmq(KEYS, ARGV)
  local opts = cjson.decode(sharedOf(ARGV[7]).json)
  opts['token'] = ARGV[5]
  local fields = ARGV[6] ~= "" and cmsgpack.pack({ "data", ARGV[6] }) or ""
  return byBullmq(bullmq_moveToFinished, KEYS,
    { ARGV[1], ARGV[2], "returnvalue", ARGV[3], "completed", ARGV[4], prefix, cmsgpack.pack(opts), fields })
end

local function complete(KEYS, ARGV)
  local opts = sharedOf(ARGV[7]).value
  local keep = opts['keepJobs']
  local id, timestamp, value, token = ARGV[1], ARGV[2], ARGV[3], ARGV[5]
  local key = KEYS[12]
  if opts['maxMetricsSize'] ~= "" or token == "0" or (keep['count'] or -1) > 0
    or (keep['age'] or 1) <= 0 then return completedByBullmq(KEYS, ARGV) end
  local job = redis.pcall("HMGET", key, "name", "parentKey", "parent", "deid", "atm")
  if not job[1] or job[2] or job[3] or job[4]
    or rcall("GET", key .. ":lock") ~= token
    or rcall("EXISTS", key .. ":dependencies", key .. ":unsuccessful") ~= 0
    or rcall("LREM", KEYS[2], -1, id) < 1 then
    return completedByBullmq(KEYS, ARGV)
  end
  finished.KEYS = KEYS
  finished.ids[#finished.ids + 1] = id
  finished.locks[#finished.locks + 1] = key .. ":lock"
  finished.places[#finished.places + 1] = #answers + 1
  if not hasTrimmed then
    trimEvents(KEYS[9], KEYS[4])
    hasTrimmed = true
  end
  if keep['count'] == 0 then
    removeJobKeys(key)
  else
    local attemptsMade = tostring((tonumber(job[5]) or 0) + 1)
    if ARGV[6] == "" then
      rcall("HSET", key, "atm", attemptsMade, "returnvalue", value, "finishedOn", timestamp)
    else
      rcall("HSET", key, "atm", attemptsMade, "returnvalue", value, "finishedOn", timestamp, "data", ARGV[6])
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
  rcall("XADD", KEYS[4], "*", "event", "completed", "jobId", id, "returnvalue", value, "prev", "active")
  if ARGV[4] == "1" then
    local next = fetch(KEYS, KEYS[14], timestamp, opts, token)
    if next then return next end
    settle()
    local all = opts
    all['token'] = token
    next = fetchNextJob(KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[6], KEYS[7], KEYS[9], KEYS[10], KEYS[14], prefix, timestamp, all)
    if next then return next end
  end
  if rcall("LLEN", KEYS[1]) == 0 and rcall("LLEN", KEYS[2]) == 0 and rcall("ZCARD", KEYS[3]) == 0 then
    rcall("XADD", KEYS[4], "*", "event", "drained")
  end
  return 0
end

-- Arguments: how many to keep, the lines as JSON.
local function addLogs(KEYS, ARGV)
  if rcall("EXISTS", KEYS[1]) == 0 then return -1 end
  local count = rcall("RPUSH", KEYS[2], unpack(cjson.decode(ARGV[2])))
  local keep = tonumber(ARGV[1])
  if count > keep then rcall("LTRIM", KEYS[2], 0 - keep, -1) end
  return math.min(count, keep)
end

local function failed(KEYS, ARGV) return byBullmq(bullmq_moveToFinished, KEYS, ARGV) end
local function delayed(KEYS, ARGV) return byBullmq(bullmq_moveToDelayed, KEYS, ARGV) end`;
