import { findOnPath } from "./find-on-path.ts";
import { type Link, unavailable } from "./link.ts";
import { serve } from "./serve.ts";

/** redis-server or valkey-server, started from PATH on a port of its own. */
export const fromPath: Link = async (context) => {
  const file = findOnPath(["redis-server", "valkey-server"], context.env);
  if (file === undefined) return unavailable("neither redis-server nor valkey-server is on PATH");
  return { kind: "up", redis: await serve({ file, how: file }, context) };
};
