import { createRequire } from "node:module";

/** Loads a vendor's SDK once an account of it is set up: to load all of them takes a worker as long as everything else until its first job. */
export const loadSdk = createRequire(import.meta.url);
