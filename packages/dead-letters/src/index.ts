export * from "./dead-letter.ts";
export * from "./store.ts";
