import { once } from "node:events";
import type { Server, Socket } from "node:net";

/** A listening port that can be shut and opened again, its connections with it. */
export class Door {
  readonly #server: Server;
  readonly #host: string;
  readonly #sockets = new Set<Socket>();
  #port: number;

  constructor(server: Server, host: string, port: number) {
    this.#server = server;
    this.#host = host;
    this.#port = port;
    server.on("connection", (socket: Socket) => {
      this.#sockets.add(socket);
      // Callers hang up in the middle on purpose here.
      socket.on("error", () => undefined);
      socket.once("close", () => this.#sockets.delete(socket));
    });
  }

  get port(): number {
    return this.#port;
  }

  async open(): Promise<void> {
    if (this.#server.listening) return;
    this.#server.listen(this.#port, this.#host);
    await once(this.#server, "listening");
    const address = this.#server.address();
    if (address !== null && typeof address === "object") this.#port = address.port;
  }

  /** Listens no more; resolves once the callers know. */
  async shut(): Promise<void> {
    const closed = this.#server.listening ? once(this.#server, "close") : undefined;
    this.#server.close();
    // Politely, so that no caller writes to a connection that is already gone; those who do not take the hint are cut off.
    const impatience = setTimeout(() => this.#cut(), 250).unref();
    for (const socket of this.#sockets) socket.end();
    await Promise.all([closed, ...[...this.#sockets].map((socket) => once(socket, "close"))]);
    clearTimeout(impatience);
  }

  /** At once, whoever is in the middle of something. */
  async close(): Promise<void> {
    this.#cut();
    await this.shut();
  }

  #cut(): void {
    for (const socket of this.#sockets) socket.destroy();
  }
}
