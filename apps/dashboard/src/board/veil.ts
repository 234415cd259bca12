import { type AnyJob, HIDDEN, redact, sensitiveTexts, without } from "@understudy/core";

type JobKnowledge = Pick<AnyJob, "name" | "sensitive">;
type Json = Readonly<Record<string, unknown>>;

/** What must not be read in texts about one job. */
export type Veil = <T>(value: T) => T;

const unveiledFields: ReadonlySet<string> = new Set(["id", "name", "externalUrl"]);

/**
 * A job as Bull Board would show it, but for what is sensitive: hidden where it stands in the payload, and wherever its values
 * turn up in reasons, stack traces, options, the trail. Of a job that nobody here knows all of the payload is.
 */
export function veilJob(job: Json, jobs: readonly JobKnowledge[]): Json {
  const { data, veil } = veilData(job["data"], String(job["name"]), jobs);
  const rest = Object.entries(job).map(([field, value]) => [
    field,
    unveiledFields.has(field) ? value : veil(value),
  ]);
  return { ...(Object.fromEntries(rest) as Json), data };
}

export function veilData(
  data: unknown,
  name: string,
  jobs: readonly JobKnowledge[],
): { readonly data: unknown; readonly veil: Veil } {
  const paths = jobs.find((job) => job.name === name)?.sensitive;
  const { payload, dress } = undress(data);
  const isKnown = jobs.some((job) => job.name === name);
  const secrets = isKnown ? sensitiveTexts(payload, paths ?? []) : textsIn(payload);
  const veil: Veil = (value) => mask(value, secrets) as typeof value;
  return { data: dress(isKnown ? redact(payload, paths ?? []) : HIDDEN, veil), veil };
}

interface Undressed {
  readonly payload: unknown;
  /** Puts another payload where it stood. */
  readonly dress: (payload: unknown, veil: Veil) => unknown;
}

/** Through the dead letter and the envelope to the payload itself. */
function undress(data: unknown): Undressed {
  if (!isRecord(data)) return { payload: data, dress: (payload) => payload };
  if ("deadLetter" in data) {
    const { payload, dress } = undress(data["payload"] ?? data["raw"]);
    return {
      payload,
      dress: (other, veil) => ({ deadLetter: veil(data["deadLetter"]), payload: dress(other, veil) }),
    };
  }
  if ("unreadable" in data) return { payload: undefined, dress: () => data };
  if (!("payload" in data)) return { payload: data, dress: (payload) => payload };
  const { payload, ...envelope } = data;
  return { payload, dress: (other, veil) => ({ ...veil(envelope), payload: other }) };
}

function mask(value: unknown, secrets: readonly string[]): unknown {
  if (secrets.length === 0) return value;
  if (typeof value === "string") return without(value, secrets);
  if (Array.isArray(value)) return value.map((item: unknown) => mask(item, secrets));
  if (!isRecord(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([name, one]) => [name, mask(one, secrets)]));
}

function textsIn(value: unknown): readonly string[] {
  if (typeof value === "string") return [value];
  return typeof value === "object" && value !== null ? Object.values(value).flatMap(textsIn) : [];
}

function isRecord(value: unknown): value is Json {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
