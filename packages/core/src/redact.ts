export const HIDDEN = "[hidden]";

/**
 * A copy of JSON data in which what stands at these paths cannot be read. A path such as "to" or "user.email" goes through
 * arrays to each of their items. @param paths a job's `sensitive`
 */
export function redact(data: unknown, paths: readonly string[]): unknown {
  return hide(
    data,
    paths.map((path) => path.split(".")),
  );
}

function hide(data: unknown, paths: readonly (readonly string[])[]): unknown {
  if (paths.some((path) => path.length === 0)) return HIDDEN;
  if (paths.length === 0 || typeof data !== "object" || data === null) return data;
  if (Array.isArray(data)) return data.map((item: unknown) => hide(item, paths));
  const below = (name: string) => paths.flatMap(([head, ...rest]) => (head === name ? [rest] : []));
  return Object.fromEntries(Object.entries(data).map(([name, value]) => [name, hide(value, below(name))]));
}

/** The strings that stand at these paths: what must not turn up in a reason or a log either. */
export function sensitiveTexts(data: unknown, paths: readonly string[]): readonly string[] {
  return paths.flatMap((path) => textsIn(at(data, path.split("."))));
}

function at(data: unknown, [head, ...rest]: readonly string[]): unknown {
  if (head === undefined) return data;
  if (Array.isArray(data)) return data.map((item: unknown) => at(item, [head, ...rest]));
  if (typeof data !== "object" || data === null || !Object.hasOwn(data, head)) return undefined;
  return at((data as Record<string, unknown>)[head], rest);
}

function textsIn(data: unknown): readonly string[] {
  if (typeof data === "string") return [data];
  if (typeof data === "number") return [String(data)];
  if (typeof data !== "object" || data === null) return [];
  return Object.values(data).flatMap(textsIn);
}

/** A single character would blot out half of any sentence. */
const MIN_TEXT = 2;

/** Shorter ones are only hidden where they stand as a word of their own. */
const MIN_PART = 4;

/** `text` without any of `secrets`, the longest first, in capitals or not. */
export function without(text: string, secrets: readonly string[]): string {
  return secrets
    .filter(({ length }) => length >= MIN_TEXT)
    .toSorted((one, other) => other.length - one.length)
    .reduce((rest, secret) => rest.replaceAll(wherever(secret), HIDDEN), text);
}

function wherever(secret: string): RegExp {
  const plain = secret.replaceAll(/[$()*+./?[\\\]^{|}]/gu, String.raw`\$&`);
  return secret.length < MIN_PART
    ? new RegExp(String.raw`(?<![\p{L}\p{N}])${plain}(?![\p{L}\p{N}])`, "giu")
    : new RegExp(plain, "giu");
}
