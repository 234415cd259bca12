import { html } from "ghtml";

const second = 1000;
const minute = 60 * second;
const hour = 60 * minute;
const day = 24 * hour;

/** 1,234,567 */
export function count(n: number): string {
  return n.toLocaleString("en-GB");
}

/** "12,418 letters", "1 letter" */
export function counted(n: number, one: string, many = `${one}s`): string {
  return `${count(n)} ${n === 1 ? one : many}`;
}

/** "850 ms", "12 s", "3 min 20 s", "2 h 5 min", "3 d 4 h" */
export function duration(ms: number): string {
  if (ms < second) return `${Math.max(0, Math.round(ms))} ms`;
  if (ms < minute) return `${Math.round(ms / second)} s`;
  const [unit, small, words] =
    ms < hour
      ? [minute, second, ["min", "s"]]
      : ms < day
        ? [hour, minute, ["h", "min"]]
        : [day, hour, ["d", "h"]];
  const whole = Math.floor(ms / unit);
  const rest = Math.floor((ms % unit) / small);
  return `${whole} ${words[0]}${rest === 0 ? "" : ` ${rest} ${words[1]}`}`;
}

/** How long ago, with the moment itself where the mouse rests. */
export function when(at: number, now: number = Date.now()): string {
  const iso = new Date(at).toISOString();
  return html`<time datetime="${iso}" title="${utc(at)}" data-ago>${ago(at, now)}</time>`;
}

function ago(at: number, now: number = Date.now()): string {
  if (at > now + second) return `in ${duration(at - now)}`;
  if (now - at < second) return "just now";
  // The largest unit says enough; the moment itself stands where the mouse rests.
  return `${duration(now - at)
    .split(" ")
    .slice(0, 2)
    .join(" ")} ago`;
}

/** 2026-11-24 03:12:45.120 UTC */
function utc(at: number): string {
  return `${new Date(at).toISOString().replace("T", " ").replace("Z", "")} UTC`;
}

/** The time of day, for tables whose lines are minutes apart; the day stands where the mouse rests. */
export function moment(at: number): string {
  const iso = new Date(at).toISOString();
  return html`<time datetime="${iso}" title="${utc(at)}">${iso.slice(5, 10)} ${iso.slice(11, 23)}</time>`;
}

/** A figure that matters only when it is not nought. */
export function figure(n: number, tone: "bad" | "warn" | "plain" = "plain"): string {
  return n === 0 ? html`<span class="nought">0</span>` : html`<span class="${tone}">${count(n)}</span>`;
}

/** Where there is nothing to say. */
export const dash = html`<span class="nought">–</span>`;

/** A share of calls, in [0, 1]; above `badFrom` it is bad, above nought a warning. */
export function percent(share: number, badFrom = Infinity): string {
  const number = 100 * share;
  if (number === 0) return html`<span class="nought">0 %</span>`;
  const words = `${number < 10 ? number.toFixed(1) : Math.round(number)} %`;
  const tone = badFrom === Infinity ? "plain" : share >= badFrom ? "bad" : "warn";
  return html`<span class="${tone}">${words}</span>`;
}

export function pill(words: string, tone: "bad" | "warn" | "good" | "plain" = "plain"): string {
  return html`<span class="pill ${tone}">${words}</span>`;
}

/** What stands in backquotes is a command. */
export function withCommands(words: string): string {
  return words
    .split("`")
    .map((part, index) => (index % 2 === 1 ? html`<code>${part}</code>` : html`${part}`))
    .join("");
}
