export { ensureRedis } from "./ensure.ts";
export { checkEviction } from "./eviction.ts";
export type { RedisHandle, RedisOptions } from "./link.ts";
