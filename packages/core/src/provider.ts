import type * as z from "zod";

import type { Capability, ReceiptOf, RequestOf } from "./capability.ts";
import { type Delivered, type Failure, type Outcome, type OutcomeMeta, pseudoProviders } from "./outcome.ts";

/** What an adapter needs to know about the call it makes. */
export interface Call {
  readonly jobId: string;
  /** One per generation of a job; the same for every attempt and provider. */
  readonly idempotencyKey: string;
  /** Aborts at the call's deadline, or when the job is cancelled or its worker must stop. */
  readonly signal: AbortSignal;
  /** W3C Trace Context of this call's span where the worker is traced; else as the job brought it. */
  readonly traceparent?: string;
  /** Whether the job has asked this provider before, in whichever attempt. */
  readonly isRetry?: boolean;
}

/** The one shape in the chain: all resilience is functions from Adapter to Adapter. It never throws. */
export type Adapter<C extends Capability = Capability> = (
  request: RequestOf<C>,
  call: Call,
) => Promise<Outcome<ReceiptOf<C>>>;

/** A vendor's memory of keys. `natural`: repeating is harmless there by itself. */
export type Idempotency = { readonly horizonMs: number; readonly maxKeyLength: number } | "natural" | "none";

/** A question about a call that was made before. */
export interface LookUpCall extends Call {
  /** Epoch milliseconds before which nothing of the job was sent to this provider. */
  readonly sentAfter: number;
  /** Epoch milliseconds at which the last call of unknown fate was over. */
  readonly endedAt: number;
}

/**
 * Asks what became of a job's earlier calls, by the ids that they carried. Delivered when its effect is there, a failure when
 * the question could not be asked. It has no effect itself, and never throws.
 */
export type LookUp<C extends Capability = Capability> = (
  request: RequestOf<C>,
  call: LookUpCall,
) => Promise<Outcome<ReceiptOf<C>> | "not_found" | "cannot_tell">;

/** One of the calls that a batch carries. */
export interface BatchItem<C extends Capability = Capability> {
  readonly request: RequestOf<C>;
  readonly jobId: string;
  readonly idempotencyKey: string;
}

/** Asks for many at once. Delivered with an outcome for each item, in order; a failure is that of all. Never throws. */
export type BatchAdapter<C extends Capability = Capability> = (
  items: readonly BatchItem<C>[],
  call: Pick<Call, "signal">,
) => Promise<Outcome<readonly ItemOutcome<ReceiptOf<C>>[]>>;

/** What one item of a batch came to; who, when and how long is that of the batch. */
export type ItemOutcome<Receipt> = (Delivered<Receipt> | Failure) & OutcomeMeta;

/** Concurrent calls become one, within what the vendor takes. */
export interface Batching<Config, C extends Capability = any> {
  readonly maxItems: number;
  /** Of all its requests as JSON. */
  readonly maxBytes: number;
  /** How long the first call waits for company. */
  readonly lingerMs: number;
  /** What an item weighs against `maxItems`; 1 when absent. */
  weigh?(request: RequestOf<C>): number;
  readonly create: (config: Config) => BatchAdapter<C>;
}

interface ImplementationParts<Config, C extends Capability> {
  readonly capability: C;
  readonly create: (config: Config) => Adapter<C>;
  /** Whether this vendor can serve the request at all, such as its size. */
  // A method, because only a method's parameters may vary: a catalogue holds implementations of every capability.
  accepts?(request: RequestOf<C>): boolean;
  /** What a request takes from the account's rate limit, such as its recipients; 1 when absent. A batch is one call. */
  cost?(request: RequestOf<C>): number;
  readonly batch?: Batching<Config, C>;
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
