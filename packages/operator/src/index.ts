export * from "./audit.ts";
export * from "./face.ts";
export * from "./operator.ts";
export * from "./roles.ts";
export * from "./views.ts";
export type { Facets, LetterFilter } from "@understudy/dead-letters";
export type { CircuitState, Directive, Transition, Verb } from "@understudy/resilience";
export { verbs } from "@understudy/resilience";
