/** The import table of the house, as data. docs/internals.md explains it; `npm run check` holds the tree against it. */
export interface Boundary {
  /** Packages of this workspace, by folder name. */
  readonly workspace: readonly string[];
  /** Packages from npm; "any" but those in `never`. */
  readonly external: readonly External[] | "any";
  readonly never?: readonly string[];
  /** Whether Node's own modules may be used: pure packages do without. */
  readonly node: boolean;
}

export interface External {
  readonly name: string;
  /** Only by files under this folder of src. */
  readonly under?: string;
  /** Only as `import type`. */
  readonly typesOnly?: true;
}

const openTelemetry: External = { name: "@opentelemetry/api" };
const bullmq: External = { name: "bullmq" };
const ioredis: External = { name: "ioredis" };
const zod: External = { name: "zod" };

export const boundaries: Readonly<Record<string, Boundary>> = {
  core: { workspace: [], external: [zod], node: false },
  // escape-goat escapes HTML and does nothing else: docs/decisions says why jobs have it.
  jobs: { workspace: ["core"], external: [zod, { name: "escape-goat" }], node: false },
  providers: { workspace: ["core"], external: "any", never: ["bullmq", "ioredis"], node: true },
  resilience: { workspace: ["core"], external: [{ ...ioredis, under: "redis/" }], node: true },
  queue: { workspace: ["core"], external: [bullmq, ioredis, { name: "msgpackr" }], node: true },
  client: { workspace: ["core", "queue"], external: [openTelemetry], node: true },
  "dead-letters": { workspace: ["core", "queue"], external: [], node: true },
  runtime: {
    workspace: ["core", "resilience", "queue", "dead-letters"],
    external: [openTelemetry, { name: "pino", typesOnly: true }],
    node: true,
  },
  operator: {
    workspace: ["core", "client", "queue", "dead-letters", "resilience"],
    external: [],
    node: true,
  },
  testkit: { workspace: ["core", "queue"], external: [{ name: "vitest" }], node: true },
};

/**
 * What an operator must be able to switch off in programs that are not ours, where a producer is a library: the one place besides the
 * apps that reads the environment.
 */
export const readsEnvironment: readonly string[] = ["packages/queue/src/batch/backend.ts"];

/** What a test may import besides: these, and whatever its package lists in devDependencies. */
export const forTests: readonly string[] = ["vitest", "fast-check"];

/** The packages that only devDependencies may name and only tests may import. */
export const testOnly: readonly string[] = ["testkit"];

/** Servers that fakes listen with; the rest of `providers` only ever calls. */
export const servers: readonly string[] = ["smtp-server", "mailparser", "hono", "@hono/node-server"];

/** The apps that may serve the providers' fakes. */
export const servesFakes: readonly string[] = ["apps/sandbox"];
