import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";

import { between } from "./between.ts";
import { screaming } from "./names.ts";

interface Text {
  readonly path: string;
  readonly text: string;
}

const folders = "packages/providers/src";

/** What people read about the providers there are, made of what each folder says of itself. */
export function renderProviderTexts(repo: string, names: readonly string[]): readonly Text[] {
  const texts: readonly [path: string, render: (text: string) => string][] = [
    [".env.example", (text) => envExample(text, repo, names)],
    ["packages/providers/README.md", (text) => table(text, repo, names)],
  ];
  return texts
    .filter(([path]) => existsSync(join(repo, path)))
    .map(([path, render]) => ({ path, text: render(read(repo, path)) }));
}

function envExample(text: string, repo: string, names: readonly string[]): string {
  const blocks = names.map((name) => read(repo, `${folders}/${name}/env.example`));
  const limits = ["PER_SECOND", "PER_DAY", "CONCURRENT"].flatMap((unit) =>
    names.map((name) => `#LIMIT_${screaming(name)}_${unit}=\n`),
  );
  const withBlocks = between(text, "# <providers>", "# </providers>", `\n${blocks.join("\n")}\n`);
  const withLimits = between(withBlocks, "# <limits>", "# </limits>", limits.join(""));
  return withLimits.replaceAll(/^(ROUTE_\w+)=.*$/gmu, (line, variable: string) => {
    const file = adapterFiles[variable];
    if (file === undefined) return line;
    const able = names.filter((name) => existsSync(join(repo, folders, name, file)));
    return `${variable}=${route(line, able)}`;
  });
}

/** By which file a folder is known to serve the capability of a route. */
const adapterFiles: Readonly<Record<string, string>> = {
  ROUTE_EMAIL_SEND: "send-email.ts",
  ROUTE_PAYMENT_CHARGE: "charge.ts",
  ROUTE_PAYMENT_REFUND: "refund.ts",
  ROUTE_ANALYTICS_TRACK: "track.ts",
};

/** The order is somebody's choice and stays; who is new comes last. */
function route(line: string, names: readonly string[]): string {
  const now = line.replace(/^.*=/u, "").split(",");
  return [...now.filter((name) => names.includes(name)), ...names.filter((name) => !now.includes(name))].join(
    ",",
  );
}

function table(text: string, repo: string, names: readonly string[]): string {
  const rows = names.map((name) => {
    const [, first = ""] = read(repo, `${folders}/${name}/README.md`).split("\n\n");
    return `| [${name}](src/${name}/README.md) | ${first.trim().replaceAll("\n", " ")} |`;
  });
  const lines = ["| provider | |", "|---|---|", ...rows];
  return between(text, "<!-- providers:", "<!-- /providers -->", `\n${lines.join("\n")}\n\n`);
}

function read(repo: string, path: string): string {
  const file = join(repo, path);
  if (!existsSync(file)) throw new Error(`${path} is missing: write it as the other folders have theirs.`);
  return readFileSync(file, "utf8");
}
