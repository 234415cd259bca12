import { loadScript, luaFunctions } from "./bullmq-lua.ts";

/** Calls that differ in nothing but their arguments. */
export interface Kind {
  readonly name: string;
  /** The Lua function that does it, given its keys and where in ARGV its arguments begin. */
  readonly run: string;
  readonly keys: number;
  readonly args: number;
  /** Which of its keys, counted from 1, differ from call to call. */
  readonly own: readonly number[];
}

/** Begins the answer to a call that failed; nothing that BullMQ answers begins like this. */
export const FAILED = "!";

export interface Lua {
  /** BullMQ's scripts. */
  readonly files: readonly string[];
  /** Of their functions. */
  readonly wanted: readonly string[];
  readonly lean: string;
  /** How many texts calls share that share some. */
  readonly shared: number;
}

const PRELUDE = `
local prefix = ARGV[1]
local shared = {}
local answers, place = {}, 0
local kind, last, step

-- What calls share, by its number: its texts, and what the first of them says.
local function sharedOf(number) return shared[number] end
local function valueOf(texts)
  if texts.value == nil then texts.value = cjson.decode(texts[1]) end
  return texts.value
end

-- The arguments of one call.
local function argumentsAt(at) return { unpack(ARGV, at, at + kind.args - 1) } end

local function failure(why)
  return { "${FAILED}", type(why) == "table" and why.err or tostring(why) }
end

-- What is written once for several calls is an error of each of them when it fails.
local function writeFor(places, write)
  local ok, trouble = pcall(write)
  if ok then return true end
  for _, place in ipairs(places) do answers[place] = failure(trouble) end
  return false
end
`;

const loopOf = (sharedTexts: number): string => `
local kindCount = tonumber(ARGV[2])
local at = 0
for i = 3, kindCount + 2 do
  kind = kindOf(ARGV[i])
  kinds[ARGV[i]] = kind
  local own, next = kind.own, 1
  for place = 1, kind.keys do
    if own[next] == place then
      next = next + 1
    else
      at = at + 1
      kind.table[place] = KEYS[at]
    end
  end
end
at = kindCount + 3
local sharedCount = tonumber(ARGV[at])
for i = 1, sharedCount do
  shared[tostring(i)] = { unpack(ARGV, at + 1, at + ${sharedTexts}) }
  at = at + ${sharedTexts}
end
at = at + 1

while ARGV[at] do
  kind = kinds[ARGV[at]]
  local run, keys, own = kind.run, kind.table, kind.own
  step = #own + kind.args
  -- Where the arguments begin of the first of them and of the last.
  local first = at + 2 + #own
  last = first + (ARGV[at + 1] - 1) * step
  for at = first, last, step do
    for i = 1, #own do keys[own[i]] = ARGV[at - #own - 1 + i] end
    place = place + 1
    local ok, answer = pcall(run, keys, at)
    if not ok or type(answer) == "table" and answer.err then answer = failure(answer) end
    -- Unless it failed already with what was written for several.
    if answers[place] == nil then answers[place] = answer or false end
  end
  at = last + kind.args
end
settle()
-- As one text: to read so many small parts takes longer than all else that is done with an answer.
return cmsgpack.pack(answers)`;

/**
 * The Lua of one script for many calls of these kinds.
 * KEYS those of each kind that is called, one kind after the other, without the keys that differ from call to call.
 * ARGV prefix; how many kinds are called, then their numbers; how much is shared, then the texts of each; then for calls of one kind
 * that follow each other the kind's number, how many they are, and of each its own keys and its arguments, the last of which is the
 * number of what it shares, where it does.
 * Answers with one answer for each call: BullMQ's own, or { "!", why }.
 */
export function driverOf(kinds: readonly Kind[], { files, wanted, lean, shared }: Lua): string {
  const rows = kinds.map(
    ({ run, keys, args, own }, n) =>
      `if number == "${n + 1}" then return { run = ${run}, keys = ${keys}, args = ${args}, own = { ${own.join(", ")} }, table = {} } end`,
  );
  return [
    PRELUDE,
    luaFunctions(files.map(loadScript), wanted),
    lean,
    `local kinds = {}\nlocal function kindOf(number)\n${rows.join("\n")}\nend`,
    loopOf(shared),
  ].join("\n");
}
