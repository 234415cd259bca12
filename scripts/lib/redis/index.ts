export { ensureRedis } from "./ensure.ts";
export type { RedisHandle } from "./link.ts";
