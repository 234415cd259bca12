// By path: the test run's set-up loads this file where the packages' source condition is not known.
import { evictionWarning } from "../../../packages/queue/src/eviction.ts";
import { ask } from "./probe.ts";
import { withoutSecrets } from "./without-secrets.ts";

/** A sentence for people when the Redis at this URL may throw jobs away to make room, else undefined. */
export async function checkEviction(url: string): Promise<string | undefined> {
  const warning = await ask(url, evictionWarning);
  return warning === undefined ? undefined : `${withoutSecrets(url)}: ${warning}`;
}
