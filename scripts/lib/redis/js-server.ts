// Usage: node js-server.ts <port, 0 for any>. Runs js-redis-server, says the port once it listens, and ends when stdin closes.
import { Server } from "node:net";

import { createRedisServer } from "js-redis-server";

// js-redis-server listens on every address of the machine and has no option for it. It asks for no password: loopback only.
// oxlint-disable-next-line typescript/unbound-method -- called with the server it belongs to, below
const listen = Server.prototype.listen as (this: Server, options: object) => Server;
Server.prototype.listen = function (this: Server, port: unknown) {
  return listen.call(this, { port, host: "127.0.0.1" });
} as typeof Server.prototype.listen;

// The pipe closes when the process that started this one ends, however it ends.
process.stdin.on("end", () => process.exit(0)).resume();

try {
  const { port } = await createRedisServer({ port: Number(process.argv[2] ?? 0) });
  console.log(port);
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exit(1);
}
