import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";

import { formatted } from "../catalogs/formatted.ts";
import { camelCase, screaming } from "../catalogs/names.ts";
import { renderCatalogues } from "../catalogs/render.ts";
import { problemWith } from "./name.ts";

export interface Kind {
  /** The folder of templates, and what the command is called after. */
  readonly template: "job" | "provider";
  /** Where folders of this kind stand, one per member. */
  readonly folders: string;
}

export const kinds = {
  job: { template: "job", folders: "packages/jobs/src" },
  provider: { template: "provider", folders: "packages/providers/src" },
} as const satisfies Record<string, Kind>;

const templates = join(import.meta.dirname, "templates");

/** Writes the folder from its templates, then the catalogues; returns the paths written. @throws Error when the name cannot be taken */
export async function makeFolder(repo: string, kind: Kind, name: string): Promise<readonly string[]> {
  const existing = readdirSync(join(repo, kind.folders), { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map((entry) => entry.name);
  const problem = problemWith(name, existing);
  if (problem !== undefined) throw new Error(problem);
  const files = readdirSync(join(templates, kind.template)).toSorted();
  const made = await Promise.all(files.map((file) => fromTemplate(repo, kind, name, file)));
  for (const { path, text } of made) write(repo, path, text);
  // Only now: the catalogues are made of the folders there are.
  const listed = (await renderCatalogues(repo)).filter(
    ({ path, text }) => readFileSync(join(repo, path), "utf8") !== text,
  );
  for (const { path, text } of listed) write(repo, path, text);
  return [...made, ...listed].map(({ path }) => path);
}

async function fromTemplate(
  repo: string,
  { template, folders }: Kind,
  name: string,
  file: string,
): Promise<{ readonly path: string; readonly text: string }> {
  const path = `${folders}/${name}/${file.replace(/\.txt$/u, "")}`;
  const text = readFileSync(join(templates, template, file), "utf8")
    .replaceAll("example-name", name)
    .replaceAll("exampleName", camelCase(name))
    .replaceAll("EXAMPLE_NAME", screaming(name));
  return { path, text: path.endsWith(".ts") ? await formatted(repo, path, text) : text };
}

function write(repo: string, path: string, text: string): void {
  mkdirSync(dirname(join(repo, path)), { recursive: true });
  writeFileSync(join(repo, path), text);
}
