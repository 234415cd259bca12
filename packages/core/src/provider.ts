import type * as z from "zod";

import type { Capability, ReceiptOf, RequestOf } from "./capability.ts";
import { type Outcome, pseudoProviders } from "./outcome.ts";

/** What an adapter needs to know about the call it makes. */
export interface Call {
  readonly jobId: string;
  /** One per generation of a job; the same for every attempt and provider. */
  readonly idempotencyKey: string;
  /** Aborts at the call's deadline, or when the job is cancelled or its worker must stop. */
  readonly signal: AbortSignal;
  readonly traceparent?: string;
}

/** The one shape in the chain: all resilience is functions from Adapter to Adapter. It never throws. */
export type Adapter<C extends Capability = Capability> = (
  request: RequestOf<C>,
  call: Call,
) => Promise<Outcome<ReceiptOf<C>>>;

/** A vendor's memory of keys. `natural`: repeating is harmless there by itself. */
export type Idempotency = { readonly horizonMs: number; readonly maxKeyLength: number } | "natural" | "none";

export type LookUp<C extends Capability> = (
  request: RequestOf<C>,
  call: Call,
) => Promise<Outcome<ReceiptOf<C>> | "not_found" | "cannot_tell">;

interface ImplementationParts<Config, C extends Capability> {
  readonly capability: C;
  readonly create: (config: Config) => Adapter<C>;
  /** Whether this vendor can serve the request at all, such as its size. */
  // A method, because only a method's parameters may vary: a catalogue holds implementations of every capability.
  accepts?(request: RequestOf<C>): boolean;
}

interface TrustedLookUp<Config, C extends Capability> {
  /** How long a "not found" may still be wrong, because the vendor's index lags. */
  readonly trustNotFoundAfterMs: number;
  readonly create: (config: Config) => LookUp<C>;
}

/**
 * How one provider serves one capability. The types refuse an implementation of a capability that forbids duplicates
 * when it declares neither a key nor a look-up.
 */
export type Implementation<Config, C extends Capability = any> = ImplementationParts<Config, C> &
  (C["duplicates"] extends "forbidden"
    ?
        | { readonly idempotency: Exclude<Idempotency, "none">; readonly lookUp?: TrustedLookUp<Config, C> }
        | { readonly idempotency: "none"; readonly lookUp: TrustedLookUp<Config, C> }
    : { readonly idempotency: Idempotency; readonly lookUp?: TrustedLookUp<Config, C> });

export interface ProviderDefinition<Name extends string = string, Config extends z.ZodType = z.ZodType> {
  readonly name: Name;
  /** Its keys follow the environment by rule: SENDGRID_API_KEY -> apiKey. Secrets are marked with `secret()`. */
  readonly config: Config;
  /** Credentials that only the sandbox takes; a worker in production refuses them. */
  readonly sandboxConfig: Readonly<Record<string, string>>;
  readonly adapters: readonly Implementation<z.output<Config>>[];
}

// A catalogue holds providers of every configuration; only `any` lets it vary.
export type AnyProvider = ProviderDefinition<string, any>;

/** Makes a provider; each adapter is held to what its own capability demands. */
export function defineProvider<
  const Name extends string,
  Config extends z.ZodType,
  const Capabilities extends readonly Capability[],
>(
  provider: Omit<ProviderDefinition<Name, Config>, "adapters"> & {
    readonly adapters: {
      readonly [K in keyof Capabilities]: Implementation<z.output<Config>, Capabilities[K]>;
    };
  },
): ProviderDefinition<Name, Config> {
  if (pseudoProviders.has(provider.name))
    throw new TypeError(`No provider may be named ${provider.name}: trails use it.`);
  return provider;
}
