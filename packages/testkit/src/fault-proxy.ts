import { once } from "node:events";
import { connect, createServer, type Server, type Socket } from "node:net";

/** Stands between a client and a server on loopback and fails on demand. */
export interface FaultProxy {
  readonly port: number;
  /** Passes everything on, as at the start. */
  heal(): Promise<void>;
  /** Cuts all connections and refuses new ones. */
  refuse(): void;
  /** Takes everything and answers nothing: requests still reach the server when `deliver` is true, answers are lost. */
  silence(options: { readonly deliver: boolean }): void;
  /** Cuts all connections; new ones pass. */
  cut(): void;
  close(): Promise<void>;
}

export async function startFaultProxy(target: {
  readonly host: string;
  readonly port: number;
}): Promise<FaultProxy> {
  const pairs = new Set<readonly [Socket, Socket]>();
  let silent: "no" | "deliver" | "swallow" = "no";

  const server = createServer((client) => {
    const upstream = connect(target);
    const pair = [client, upstream] as const;
    pairs.add(pair);
    client.on("data", (chunk) => silent !== "swallow" && upstream.write(chunk));
    upstream.on("data", (chunk) => silent === "no" && client.write(chunk));
    for (const [one, other] of [pair, pair.toReversed() as [Socket, Socket]]) {
      one.on("error", () => other.destroy());
      one.on("close", () => {
        other.destroy();
        pairs.delete(pair);
      });
    }
  });
  const cut = (): void => {
    for (const [client, upstream] of pairs) {
      client.resetAndDestroy();
      upstream.destroy();
    }
  };
  const port = await listen(server, 0);

  return {
    port,
    cut,
    async heal() {
      silent = "no";
      // Connections that went through silence have holes in their streams.
      cut();
      if (!server.listening) await listen(server, port);
    },
    refuse() {
      // Nothing to wait for: the port is shut at once, and whoever hears of it may open it again before this would be over.
      server.close();
      cut();
    },
    silence({ deliver }) {
      silent = deliver ? "deliver" : "swallow";
    },
    async close() {
      const closed = server.listening ? once(server, "close") : undefined;
      server.close();
      cut();
      await closed;
    },
  };
}

async function listen(server: Server, port: number): Promise<number> {
  server.listen(port, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  if (address === null || typeof address === "string") throw new TypeError("a TCP server has a port");
  return address.port;
}
