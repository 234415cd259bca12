import { isBuiltin } from "node:module";
import { dirname, join, posix } from "node:path";

import { findCircles } from "./find-circles.ts";
import { type Import, readSource } from "./read-source.ts";
import {
  type Boundary,
  boundaries,
  type External,
  forTests,
  readsEnvironment,
  servers,
  servesFakes,
  testOnly,
} from "./table.ts";
import { exportsSubpath, type Member, readWorkspace } from "./workspace.ts";

/** One line each: where, what is imported, which rule it breaks, what to do. */
export function findViolations(repo: string): readonly string[] {
  const members = readWorkspace(repo);
  return [...findCircles(members), ...members.flatMap((member) => inMember(repo, member, members))];
}

function inMember(repo: string, member: Member, members: readonly Member[]): readonly string[] {
  if (!member.isApp && boundaries[member.folder] === undefined)
    return [
      `${member.path}: the package is not in the import table. Add its row to scripts/lib/boundaries/table.ts`,
    ];
  return [
    ...inManifest(member, members),
    ...member.files.flatMap((file) => inFile(repo, file, member, members)),
  ];
}

function inManifest(member: Member, members: readonly Member[]): readonly string[] {
  const { dependencies, peerDependencies, optionalDependencies, devDependencies } = member.manifest;
  const shipped = Object.keys({ ...dependencies, ...peerDependencies, ...optionalDependencies });
  const problem = (name: string, words: string): string =>
    `${member.path}/package.json depends on ${name}: ${words}`;
  const forShipped = shipped.flatMap((name) => {
    const found = members.find((one) => one.name === name);
    const words = found === undefined ? externalProblem(name, member) : workspaceProblem(found, member);
    return words === undefined ? [] : [problem(name, words)];
  });
  const forDevelopment = Object.keys(devDependencies ?? {}).flatMap((name) =>
    members.some((one) => one.name === name && one.isApp) ? [problem(name, noApp)] : [],
  );
  return [...forShipped, ...forDevelopment];
}

function inFile(repo: string, file: string, member: Member, members: readonly Member[]): readonly string[] {
  const source = readSource(join(repo, file));
  const imports = source.imports.flatMap((one) => {
    const words = importProblem(one, file, member, members);
    return words === undefined ? [] : [`${file}:${one.line} imports "${one.specifier}": ${words}`];
  });
  if (member.isApp || isTest(file) || readsEnvironment.includes(file)) return imports;
  const words = "only apps know the environment. Take the value as an argument";
  return [...imports, ...source.environment.map((line) => `${file}:${line} reads process.env: ${words}`)];
}

function importProblem(
  { specifier, typeOnly }: Import,
  file: string,
  member: Member,
  members: readonly Member[],
): string | undefined {
  if (specifier.startsWith(".")) return relativeProblem(specifier, file, member);
  if (isBuiltin(specifier))
    return rowOf(member)?.node === false && !isTest(file)
      ? `${member.folder} is pure and uses no module of Node. Take what it gives as an argument`
      : undefined;
  const [name, subpath] = split(specifier);
  const target = members.find((one) => one.name === name);
  if (target === undefined)
    return isTest(file) ? testProblem(name, member) : externalProblem(name, member, file, typeOnly);
  if (target === member) return undefined;
  if (target.isApp) return noApp;
  if (!exportsSubpath(target, subpath))
    return `${name} does not export ${subpath}. Import what it exports, or export it there`;
  if (target.folder === "providers" && isFake(subpath) && !isTest(file) && !servesFakes.includes(member.path))
    return `only ${servesFakes.join(", ")} and tests may import a provider's fake. Import ${name}`;
  return isTest(file) ? testProblem(name, member) : workspaceProblem(target, member);
}

const noApp = "nothing imports an app. Move what is shared into a package";

function relativeProblem(specifier: string, file: string, member: Member): string | undefined {
  const target = posix.join(dirname(file), specifier);
  if (!target.startsWith(`${member.path}/`))
    return "a relative import stays inside its package. Import the other package by its name";
  if (isTest(target) && !isTest(file))
    return "only tests may import what tests share. Move it out of testing/";
  if (isFake(target) && !isFake(file) && !isTest(file))
    return "only fakes and tests may import a fake (sandbox.ts, sandbox/). A worker must never load one";
  return undefined;
}

function workspaceProblem(target: Member, member: Member): string | undefined {
  if (target.isApp) return noApp;
  if (testOnly.includes(target.folder) && !testOnly.includes(member.folder))
    return `${target.folder} is for tests only. Name it in devDependencies and import it from *.test.ts or src/testing/`;
  const row = rowOf(member);
  if (row === undefined || row.workspace.includes(target.folder)) return undefined;
  return `${mayImport(member, row)}. Take the value as an argument, or move the code to a package that may`;
}

/** Without a file it asks about a dependency list, which knows neither folder nor kind of import. */
function externalProblem(name: string, member: Member, file?: string, typeOnly = false): string | undefined {
  const row = rowOf(member);
  if (row === undefined || name.startsWith("@types/")) return undefined;
  if (row.external === "any") {
    if (row.never?.includes(name) === true)
      return `${member.folder} never imports it. Leave it to the package that may`;
    if (file !== undefined && servers.includes(name) && !isFake(file))
      return "only fakes (sandbox.ts, sandbox/) listen. Move the server there";
    return undefined;
  }
  const found = row.external.find((one) => one.name === name);
  if (found === undefined) return `${mayImport(member, row)}. Move the code to a package that may`;
  if (file === undefined) return undefined;
  if (found.under !== undefined && !file.startsWith(`${member.path}/src/${found.under}`))
    return `${member.folder} imports it only under src/${found.under}. Move the code there`;
  if (found.typesOnly === true && !typeOnly)
    return `${member.folder} imports only its types. Write import type`;
  return undefined;
}

function testProblem(name: string, member: Member): string | undefined {
  const { dependencies, peerDependencies, devDependencies } = member.manifest;
  if (forTests.includes(name) || member.isApp) return undefined;
  if (Object.hasOwn({ ...dependencies, ...peerDependencies, ...devDependencies }, name)) return undefined;
  return `a test imports what its package lists. Add ${name} to devDependencies of ${member.path}/package.json`;
}

function rowOf(member: Member): Boundary | undefined {
  return member.isApp ? undefined : boundaries[member.folder];
}

function mayImport(member: Member, row: Boundary): string {
  const externals = row.external === "any" ? [] : row.external.map((one: External) => one.name);
  return `${member.folder} may import ${[...row.workspace, ...externals].join(", ") || "nothing"}`;
}

/** `x.test.ts`, and what several of them share under `src/testing/`. */
function isTest(file: string): boolean {
  return /\.test\.[cm]?tsx?$|\/src\/testing\//u.test(file);
}

/** `smtp/sandbox.ts`, `sandbox/…`, `./sandbox`. */
function isFake(path: string): boolean {
  return /(?:^|\/)sandbox(?:\/|\.[cm]?tsx?$|$)/u.test(path.replace(/^apps\/sandbox\//u, ""));
}

function split(specifier: string): readonly [string, string] {
  const parts = specifier.split("/");
  const length = specifier.startsWith("@") ? 2 : 1;
  return [parts.slice(0, length).join("/"), [".", ...parts.slice(length)].join("/")];
}
