const units = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000, w: 604_800_000 } as const;

/** "90s", "5m", "1.5h", "7d"; milliseconds. Undefined when it is no such thing. */
export function parseDuration(text: string): number | undefined {
  const [, amount, unit] = /^(\d+(?:\.\d+)?)\s*(ms|s|m|h|d|w)$/u.exec(text.trim()) ?? [];
  if (amount === undefined || unit === undefined) return undefined;
  return Math.round(Number(amount) * units[unit as keyof typeof units]);
}

/** How long ago ("2h"), or when ("2026-11-24", "2026-11-24T08:00Z"); epoch milliseconds. */
export function parseMoment(text: string, now: number): number | undefined {
  const ago = parseDuration(text);
  if (ago !== undefined) return now - ago;
  if (!/^\d{4}-\d{2}-\d{2}(?:[T ][\d:.]+(?:Z|[+-]\d{2}:?\d{2})?)?$/u.test(text.trim())) return undefined;
  const at = Date.parse(text.trim().replace(" ", "T"));
  return Number.isNaN(at) ? undefined : at;
}

/** The two largest units that matter: "45 s", "3 min", "2 h 5 min", "3 d 4 h". */
export function durationWords(ms: number): string {
  if (ms < 1000) return `${Math.max(0, Math.round(ms))} ms`;
  const seconds = Math.round(ms / 1000);
  if (seconds < 60) return `${seconds} s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return two(minutes, "min", minutes < 5 ? seconds % 60 : 0, "s");
  const hours = Math.floor(minutes / 60);
  if (hours < 48) return two(hours, "h", minutes % 60, "min");
  return two(Math.floor(hours / 24), "d", hours % 24, "h");
}

function two(large: number, largeUnit: string, small: number, smallUnit: string): string {
  return small === 0 ? `${large} ${largeUnit}` : `${large} ${largeUnit} ${small} ${smallUnit}`;
}

/** "3 min" for a column headed by "ago": one unit. */
export function shortAge(at: number, now: number): string {
  const [large = "", unit = ""] = durationWords(Math.max(0, now - at)).split(" ");
  return unit === "ms" ? "0 s" : `${large} ${unit}`;
}

/** "2026-11-24 08:38:18Z" */
export function clockTime(at: number): string {
  return `${new Date(at).toISOString().slice(0, 19).replace("T", " ")}Z`;
}

/** "2026-11-24 08:38:18Z (3 min ago)" */
export function when(at: number, now: number): string {
  const words = at > now ? `in ${durationWords(at - now)}` : `${durationWords(now - at)} ago`;
  return `${clockTime(at)} (${words})`;
}
