import { readFileSync } from "node:fs";
import { join } from "node:path";

const readme = join(import.meta.dirname, "../../README.md");

/** The examples of JSON in the README, by the name in their comment. */
export function readmeExamples(): ReadonlyMap<string, unknown> {
  const text = readFileSync(readme, "utf8");
  const blocks = text.matchAll(/<!-- shape: ([\w-]+) -->\n+```json\n(.*?)```/gsu);
  return new Map([...blocks].map(([, name = "", json = ""]) => [name, JSON.parse(json) as unknown]));
}

/** Names and types without the values; of a list the shape of its first item, of a record by chance names that of its first value. */
export function shapeOf(value: unknown, path = ""): unknown {
  if (Array.isArray(value)) return value.slice(0, 1).map((item) => shapeOf(item, `${path}[]`));
  if (typeof value !== "object" || value === null) return value === null ? "null" : typeof value;
  if (path === ".targets") return "counts";
  return Object.fromEntries(
    Object.entries(value)
      .toSorted(([a], [b]) => a.localeCompare(b))
      .map(([name, each]) => [name, shapeOf(each, `${path}.${name}`)]),
  );
}
