import type { Capability } from "@understudy/core";

import type { Context } from "./context.ts";
import type { Knowledge } from "./prospect.ts";

/** A capability that the jobs or providers of this program speak of. */
export function capabilityOf({ jobs, providers }: Context, name: string): Capability | undefined {
  const all = [
    ...[...jobs.values()].map(({ capability }) => capability as Capability),
    ...Object.values(providers).flatMap(({ adapters }) =>
      adapters.map(({ capability }) => capability as Capability),
    ),
  ];
  return all.find((capability) => capability.name === name);
}

/** Its effect must not happen twice, or nobody here can tell. */
export function isMoneyCapability(context: Context, name: string): boolean {
  return (capabilityOf(context, name)?.duplicates ?? "forbidden") === "forbidden";
}

/** What a provider is asked for, as live workers tell. */
export function routedTo({ routes }: Pick<Knowledge, "routes">, provider: string): readonly string[] {
  return [...routes].filter(([, names]) => names.includes(provider)).map(([capability]) => capability);
}
