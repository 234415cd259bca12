export * from "./connection.ts";
export * from "./consumer.ts";
export * from "./fenced-write.ts";
export * from "./inspect.ts";
export * from "./names.ts";
export * from "./producer.ts";
export type { Settlement } from "./settlement.ts";
export * from "./transfer.ts";
export type { Redis } from "ioredis";
