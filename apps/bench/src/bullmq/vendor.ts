// Usage: node apps/bench/src/bullmq/vendor.ts. A vendor on loopback that costs next to nothing: keep-alive, and 204 to whatever is
// posted, after as many milliseconds as its path begins with (/20/…). GET tells what came since the last one. Says where it is in one line
// of JSON; ends with its parent.
import { once } from "node:events";
import { type AddressInfo, createServer, type Socket } from "node:net";

import { numberOfEvent } from "./subjects.ts";

/** What was posted: how often, and how many different events. */
export interface Posted {
  readonly posts: number;
  readonly events: number;
}

const noContent = "HTTP/1.1 204 No Content\r\n\r\n";
let posts = 0;
let events = new Set<number>();

function serve(socket: Socket): void {
  socket.setNoDelay(true);
  socket.on("error", () => undefined);
  let text = "";
  socket.on("data", (chunk: Buffer) => {
    text += chunk.toString("latin1");
    for (let length = lengthOf(text); text.length >= length; length = lengthOf(text)) {
      answer(socket, text.slice(0, length));
      text = text.slice(length);
    }
  });
}

/** Of the first request, head and body; Infinity while its head is not all there. */
function lengthOf(text: string): number {
  const head = text.indexOf("\r\n\r\n");
  if (head === -1) return Infinity;
  const [, body = "0"] = /\r\ncontent-length: (\d+)/iu.exec(text.slice(0, head)) ?? [];
  return head + 4 + Number(body);
}

function answer(socket: Socket, request: string): void {
  if (request.startsWith("GET")) {
    const body = JSON.stringify({ posts, events: events.size } satisfies Posted);
    [posts, events] = [0, new Set()];
    socket.write(`HTTP/1.1 200 OK\r\ncontent-length: ${body.length}\r\n\r\n${body}`);
    return;
  }
  posts += 1;
  events.add(numberOfEvent(request));
  const [, waitMs = "0"] = /^POST \/(\d+)/u.exec(request) ?? [];
  if (waitMs === "0") socket.write(noContent);
  else setTimeout(() => socket.write(noContent), Number(waitMs));
}

const server = createServer(serve).listen(0, "127.0.0.1");
await once(server, "listening");
process.once("disconnect", () => process.exit(0)).once("SIGTERM", () => process.exit(0));
console.log(JSON.stringify({ url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` }));
