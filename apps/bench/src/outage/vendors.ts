// Usage: node apps/bench/src/outage/vendors.ts. Two vendors of equal speed on loopback, which answer as SendGrid and Mailgun do, one of
// which dies on order. Takes orders by IPC, ends with its parent.
import { once } from "node:events";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

export type Mood = "ok" | "refuse" | "hang" | "503";
export type Order = { readonly order: "be"; readonly mood: Mood } | { readonly order: "report" };
/** By vendor: when each mail arrived first, how often each arrived, and when each call was made. */
export interface Report {
  readonly arrived: readonly (readonly [mail: number, at: number])[];
  readonly copies: number;
  readonly calls: Readonly<Record<"primary" | "backup", readonly number[]>>;
}

/** How far away they are. */
const LATENCY_MS = 20;

let mood: Mood = "ok";
let copies = 0;
const arrived = new Map<number, number>();
const calls = { primary: [] as number[], backup: [] as number[] };

function take(body: string): void {
  const mail = Number(/mail-(\d+)(?:@|%40)/u.exec(body)?.[1]);
  if (arrived.has(mail)) copies += 1;
  else arrived.set(mail, Date.now());
}

function serve(vendor: "primary" | "backup", answer: (res: ServerResponse) => void) {
  return (req: IncomingMessage, res: ServerResponse): void => {
    calls[vendor].push(Date.now());
    let body = "";
    req.on("data", (chunk: Buffer) => (body += chunk.toString()));
    req.once("end", () => {
      if (vendor === "primary" && mood === "hang") return;
      setTimeout(() => {
        if (vendor === "primary" && mood === "503") return void res.writeHead(503).end();
        take(body);
        answer(res);
      }, LATENCY_MS);
    });
  };
}

const primary = createServer(
  serve("primary", (res) => void res.writeHead(202, { "x-message-id": `m${copies}-${arrived.size}` }).end()),
);
const backup = createServer(
  serve("backup", (res) => {
    const body = JSON.stringify({ id: `<m${arrived.size}@bench>`, message: "Queued. Thank you." });
    res.writeHead(200, { "content-type": "application/json" }).end(body);
  }),
);

async function listen(server: Server, port = 0): Promise<number> {
  server.listen(port, "127.0.0.1");
  await once(server, "listening");
  return (server.address() as AddressInfo).port;
}

const ports = { primary: await listen(primary), backup: await listen(backup) };
// A dead port takes no connection, so nobody sees these calls: they are counted where they are cut.
const refusing = (socket: { destroy(): void }): void => {
  calls.primary.push(Date.now());
  socket.destroy();
};

process.on("message", (order: Order) => {
  if (order.order === "report") {
    process.send?.({ arrived: [...arrived], copies, calls } satisfies Report);
    return;
  }
  mood = order.mood;
  primary.off("connection", refusing);
  if (mood === "refuse") primary.on("connection", refusing);
  // Whoever was kept waiting, or kept a connection, notices at once.
  primary.closeAllConnections();
});
process.once("disconnect", () => process.exit(0));
console.log(JSON.stringify({ up: true, ...ports }));
