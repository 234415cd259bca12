import { Job, type JobJson, type JobsOptions } from "bullmq";

/** What BullMQ makes of an answer that hands a job over: the job, its id, and waits. */
export type HandedOver = [JobJson, string, number, number];

/**
 * Reads a job as the scripts hand it over: its hash's fields and values in turn.
 * @returns undefined when there is more to it than to most jobs, or it is something else: BullMQ knows how to read that
 */
export function handedOver(answer: unknown): HandedOver | undefined {
  if (!Array.isArray(answer) || !Array.isArray(answer[0]) || typeof answer[1] !== "string") return undefined;
  const [fields, id, limitMs, until] = answer as [readonly string[], string, number, number];
  const json = jsonOf(fields);
  return json && [json, id, limitMs, until];
}

/** The same answer without options that are no JSON, for BullMQ to read. */
export function withoutBrokenOptions(answer: unknown): unknown {
  const [fields, ...rest] = Array.isArray(answer) ? (answer as readonly unknown[]) : [];
  if (!Array.isArray(fields)) return answer;
  return [
    fields.map((value, at) => (at % 2 === 1 && fields[at - 1] === "opts" ? readable(String(value)) : value)),
    ...rest,
  ];
}

type Read = { -readonly [Field in keyof JobJson]: JobJson[Field] | undefined };

function jsonOf(fields: readonly string[]): JobJson | undefined {
  const json: Read = {
    id: undefined,
    name: undefined,
    data: "{}",
    opts: undefined,
    progress: 0,
    attemptsMade: 0,
    attemptsStarted: 0,
    timestamp: undefined,
    failedReason: undefined,
    returnvalue: undefined,
    stalledCounter: 0,
  };
  for (let at = 0; at < fields.length; at += 2) {
    const value = fields[at + 1] ?? "";
    switch (fields[at]) {
      case "name":
        json.name = value;
        break;
      case "data":
        json.data = value || "{}";
        break;
      case "opts":
        json.opts = optionsOf(value);
        break;
      case "timestamp":
        json.timestamp = Number.parseInt(value, 10);
        break;
      case "delay":
        json.delay = Number.parseInt(value, 10);
        break;
      case "priority":
        json.priority = Number.parseInt(value, 10);
        break;
      case "ats":
        json.attemptsStarted = Number.parseInt(value, 10);
        break;
      case "atm":
        json.attemptsMade = Number.parseInt(value, 10);
        break;
      case "stc":
        json.stalledCounter = Number.parseInt(value, 10);
        break;
      case "processedOn":
        json.processedOn = Number.parseInt(value, 10);
        break;
      case "pb":
        json.processedBy = value;
        break;
      default:
        return undefined;
    }
  }
  const { name, opts, timestamp, delay, priority } = json;
  const all = [name, opts, timestamp, delay, priority];
  return all.includes(undefined) ? undefined : (json as JobJson);
}

let lastText = "";
let lastOptions: JobsOptions = {};

/** Most jobs of a queue have the same; BullMQ copies them into each job. */
function optionsOf(text: string): JobsOptions {
  if (text !== lastText) [lastText, lastOptions] = [text, Job.optsFromJSON(readable(text))];
  return lastOptions;
}

/** A job whose options are no JSON has none: BullMQ throws, and the one that has brought it would not hear that it is settled. */
function readable(options: string): string {
  try {
    Job.optsFromJSON(options);
    return options;
  } catch {
    return "{}";
  }
}
