import { once } from "node:events";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";

interface Sources {
  readonly isReady: () => boolean;
  readonly metrics: () => Promise<string>;
}

export interface HealthServer {
  readonly port: number;
  close(): Promise<void>;
}

/** /healthz: the process lives. /readyz: it serves its queues and Redis answers. /metrics: Prometheus. */
export async function startHealthServer(
  { host, port }: { readonly host: string; readonly port: number },
  sources: Sources,
): Promise<HealthServer> {
  const server = createServer((request, response) => {
    const answer = (status: number, body: string): void => {
      response.writeHead(status, { "content-type": "text/plain; charset=utf-8" }).end(body);
    };
    if (request.url === "/healthz") answer(200, "ok\n");
    else if (request.url === "/readyz")
      answer(
        sources.isReady() ? 200 : 503,
        sources.isReady() ? "ready\n" : "not ready: Redis is away, or the worker is starting or draining\n",
      );
    else if (request.url === "/metrics")
      sources.metrics().then(
        (text) => answer(200, text),
        () => answer(500, "metrics failed\n"),
      );
    else answer(404, "not found: /healthz, /readyz or /metrics\n");
  });
  server.listen(port, host);
  await once(server, "listening");
  return { port: (server.address() as AddressInfo).port, close: () => close(server) };
}

async function close(server: Server): Promise<void> {
  server.close();
  server.closeAllConnections();
  await once(server, "close");
}
