import { createRequire } from "node:module";

import { moveScript } from "./move-many.ts";

/** The one whose scripts ours were held against: the conformance tests say what that means. */
export const KNOWN_BULLMQ = "6.7.0";

let isFast: boolean | undefined;

/**
 * Whether calls may go to Redis together: not with UNDERSTUDY_BACKEND=plain, and not, which is said once, with another BullMQ than
 * the one that is known.
 */
export function usesBatches(env: NodeJS.ProcessEnv = process.env): boolean {
  if (env["UNDERSTUDY_BACKEND"] === "plain") return false;
  isFast ??= canBatch(versionOfBullmq(), (warning) =>
    process.emitWarning(warning, { code: "UNDERSTUDY_PLAIN_BACKEND" }),
  );
  return isFast;
}

export function canBatch(version: string, warn: (warning: string) => void): boolean {
  const because = (why: string): false => {
    warn(
      `${why}: jobs are added and settled one by one, by BullMQ's own scripts, which is slower and just as safe. Install bullmq ${KNOWN_BULLMQ}, or a newer Understudy.`,
    );
    return false;
  };
  if (version !== KNOWN_BULLMQ) return because(`BullMQ is ${version} and not ${KNOWN_BULLMQ}`);
  try {
    moveScript();
    return true;
  } catch (error) {
    return because(error instanceof Error ? error.message : String(error));
  }
}

/** "unknown" when it does not say, as in a bundle. */
function versionOfBullmq(): string {
  try {
    const { version } = createRequire(import.meta.url)("bullmq/package.json") as { readonly version: string };
    return version;
  } catch {
    return "unknown";
  }
}
