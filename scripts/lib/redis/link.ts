/** A Redis that answers, and the way to let it go. */
export interface RedisHandle {
  readonly url: string;
  /** For people: where it came from. Never holds a password. */
  readonly how: string;
  /** What the person in front of it should know: it is slow, it may evict, it forgets. */
  readonly notice?: string;
  /** The server's process, when it is ours. */
  readonly pid?: number;
  /** Ends what was started; does nothing to a server that somebody else runs. May be called twice. */
  stop(): Promise<void>;
}

export interface RedisOptions {
  /** Keep data here. Without it, a temporary folder that goes away with the server. */
  readonly dataDir?: string;
  /** Keep an append-only file. Default: true with a dataDir, false without. */
  readonly persist?: boolean;
  /** When the append-only file is synced; with "always" no write is acknowledged before. Default: "everysec". */
  readonly sync?: "everysec" | "always";
  /** Where unpacked servers are kept between runs. Default: UNDERSTUDY_CACHE_DIR. */
  readonly cache?: string;
  /** Hold to the key rules of a Redis Cluster, whose only node it is. Default: false. */
  readonly cluster?: boolean;
  /** Default: any free port. */
  readonly port?: number;
  /** Print nothing; the caller shows `notice` itself. */
  readonly quiet?: boolean;
  /** Where REDIS_URL, REDIS_PROVIDER and PATH are read from. Default: process.env. */
  readonly env?: NodeJS.ProcessEnv;
}

/** What every link is given: the options with their defaults filled in. */
export interface LinkContext {
  readonly dataDir: string | undefined;
  readonly persist: boolean;
  readonly sync: "everysec" | "always";
  readonly cluster: boolean;
  readonly cache: string;
  readonly port: number | undefined;
  readonly quiet: boolean;
  readonly env: NodeJS.ProcessEnv;
  /** Prints progress to stderr, or nothing when quiet. */
  readonly say: (line: string) => void;
}

export type Offer =
  | { readonly kind: "up"; readonly redis: RedisHandle }
  | { readonly kind: "unavailable"; readonly why: string };

/** One way to come by a Redis. "Not on this machine" is an answer; what goes wrong on the way is thrown. */
export type Link = (context: LinkContext) => Promise<Offer>;

export const unavailable = (why: string): Offer => ({ kind: "unavailable", why });
