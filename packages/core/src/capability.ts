import type * as z from "zod";

/**
 * May a request of unknown fate go to another provider?
 * `harmless`: reads, or sinks that drop repeats. `tolerated`: a second copy annoys (mail). `forbidden`: money.
 */
export type Duplicates = "harmless" | "tolerated" | "forbidden";

/** An operation the outside world can perform, such as `email.send`. Adapters implement it, jobs ask for it. */
// The request and receipt are `any` by default because a capability is both consumed and produced: only `any` is assignable both ways.
export interface Capability<
  Name extends string = string,
  Request = any,
  Receipt = any,
  D extends Duplicates = Duplicates,
> {
  readonly name: Name;
  readonly request: z.ZodType<Request, any>;
  readonly receipt: z.ZodType<Receipt, any>;
  readonly duplicates: D;
  /** The request for one of its parts alone, such as one recipient; for capabilities that can be delivered in part. */
  readonly narrow?: (request: Request, item: string) => Request;
  /** The providers that the request itself is meant for, such as those whose token it carries; absent: any. */
  readonly meantFor?: (request: Request) => readonly string[];
  /**
   * Its providers are sinks and not rivals: each is to get a copy of its own. Enqueuing makes one job for each, so that none
   * holds up another.
   */
  readonly sinks?: true;
}

export type RequestOf<C extends Capability> = C extends Capability<string, infer Request> ? Request : never;
export type ReceiptOf<C extends Capability> =
  C extends Capability<string, any, infer Receipt> ? Receipt : never;

export function defineCapability<const Name extends string, Request, Receipt, const D extends Duplicates>(
  capability: Capability<Name, Request, Receipt, D>,
): Capability<Name, Request, Receipt, D> {
  return capability;
}
