export * from "./dead-letter.ts";
export * from "./facets.ts";
export * from "./filter.ts";
export * from "./search.ts";
export * from "./store.ts";
export type { By } from "./renew.ts";
export * from "./upkeep.ts";
