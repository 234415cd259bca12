import { createRequire } from "node:module";

/**
 * Loads a vendor's SDK where an account of it is set up: all of them take a worker half a second. Not later, in a call: what cannot be loaded
 * would look like a request that cannot be built.
 */
export const loadSdk = createRequire(import.meta.url);
