// Usage: node scripts/bootstrap.mjs scripts/redis.ts DIR [PORT]. A private Redis on an append-only file in DIR, which is
// synced before a write is acknowledged: for a program that wants to kill it and start it again. Says where it is in one line of JSON; ends with SIGTERM, or when its parent does.
import { ensureRedis } from "./lib/redis/index.ts";

const [dataDir, port] = process.argv.slice(2);
if (dataDir === undefined) {
  console.error("Name the folder for its data.");
  process.exit(2);
}
const { REDIS_URL: _notOurs, ...env } = process.env;
const redis = await ensureRedis({
  dataDir,
  env,
  quiet: true,
  sync: "always",
  ...(port === undefined ? {} : { port: Number(port) }),
});
const stop = async (): Promise<void> => {
  await redis.stop();
  process.exit(0);
};
process.once("SIGTERM", () => void stop()).once("SIGINT", () => void stop());
process.once("disconnect", () => void stop());
console.log(JSON.stringify({ url: redis.url, pid: redis.pid, how: redis.how }));
// Nothing else keeps this process alive.
setInterval(() => undefined, 60_000);
