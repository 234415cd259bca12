import { existsSync, globSync } from "node:fs";
import { delimiter, join } from "node:path";

import { hasApt, unpackFromApt } from "../apt/unpack.ts";
import { type Link, unavailable } from "./link.ts";
import { type Server, serve } from "./serve.ts";

/** A plain `apt-get install` would start a server on 6379; unpacked into the cache, none is. */
export const fromApt: Link = async (context) => {
  const dir = join(context.cache, "redis-apt");
  if (!existsSync(dir)) {
    if (!hasApt(context.env)) return unavailable("no apt-get and dpkg");
    context.say(
      "First run: fetching redis-server with apt-get (unpacked into the cache, nothing is installed) …",
    );
    const choices = names.map((name) => [name, name.replace("server", "tools")]);
    unpackFromApt({ dir, choices, env: context.env });
  }
  return { kind: "up", redis: await serve(unpacked(dir, context.env), context) };
};

const names = ["redis-server", "valkey-server"] as const;

function unpacked(dir: string, env: NodeJS.ProcessEnv): Server {
  const root = join(dir, "root");
  const file = names.map((name) => join(root, "usr/bin", name)).find((path) => existsSync(path));
  if (file === undefined) throw new Error(`${dir} holds no server. Delete that folder and run this again.`);
  const libraries = [...globSync(join(root, "usr/lib/*")), env["LD_LIBRARY_PATH"] ?? ""].filter(Boolean);
  return {
    file,
    how: `${file} (unpacked from apt)`,
    env: { ...env, LD_LIBRARY_PATH: libraries.join(delimiter) },
  };
}
