import { existsSync, globSync, readFileSync } from "node:fs";
import { join, sep } from "node:path";

type Dependencies = Readonly<Record<string, string>>;

interface Manifest {
  readonly name: string;
  readonly exports?: Readonly<Record<string, unknown>> | string;
  readonly dependencies?: Dependencies;
  readonly peerDependencies?: Dependencies;
  readonly optionalDependencies?: Dependencies;
  readonly devDependencies?: Dependencies;
}

export interface Member {
  /** `packages/core`, with slashes. */
  readonly path: string;
  readonly folder: string;
  readonly isApp: boolean;
  readonly name: string;
  readonly manifest: Manifest;
  /** Paths of the sources, relative to the repository, with slashes. */
  readonly files: readonly string[];
}

export function readWorkspace(repo: string): readonly Member[] {
  return glob("{packages,apps}/*/package.json", repo).map((file) => {
    const path = file.replace("/package.json", "");
    const manifest = JSON.parse(readFileSync(join(repo, file), "utf8")) as Manifest;
    const folder = path.split("/")[1] ?? "";
    const files = existsSync(join(repo, path, "src")) ? glob(`${path}/src/**/*.{ts,tsx,mts}`, repo) : [];
    return { path, folder, isApp: path.startsWith("apps/"), name: manifest.name, manifest, files };
  });
}

function glob(pattern: string, cwd: string): readonly string[] {
  return globSync(pattern, { cwd, exclude: (name) => name === "node_modules" })
    .map((file) => file.split(sep).join("/"))
    .toSorted();
}

/** Whether `@scope/name/sub` is one of the doors that the package opens. */
export function exportsSubpath({ manifest }: Member, subpath: string): boolean {
  const { exports } = manifest;
  if (typeof exports !== "object") return subpath === ".";
  return Object.keys(exports).some((key) => {
    const [before, after] = key.split("*");
    return after === undefined
      ? key === subpath
      : subpath.startsWith(before ?? "") && subpath.endsWith(after);
  });
}
