export * from "./bulkhead.ts";
export * from "./circuit-breaker.ts";
export * from "./failover.ts";
export * from "./gated.ts";
export * from "./link.ts";
export * from "./rate-limiter.ts";
export * from "./timeout.ts";
