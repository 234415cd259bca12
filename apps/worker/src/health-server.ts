import { once } from "node:events";
import { createServer, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

import { UnderstudyError } from "@understudy/core";

interface Sources {
  readonly isReady: () => boolean;
  /** Prometheus text. */
  readonly metrics: () => Promise<string>;
}

export interface HealthServer {
  readonly port: number;
  close(): Promise<void>;
}

/**
 * /healthz: the process lives. /readyz: it serves its queues and Redis answers. /metrics: Prometheus.
 * @throws UnderstudyError config_invalid when it cannot listen there
 */
export async function startHealthServer(
  { host, port }: { readonly host: string; readonly port: number },
  sources: Sources,
): Promise<HealthServer> {
  const server = createServer((request, response) => {
    answer(request.url?.split("?")[0], sources, response).catch(() => send(response, 500, "failed\n"));
  });
  try {
    server.listen(port, host);
    await once(server, "listening");
  } catch (error) {
    const { code = String(error) } = error as NodeJS.ErrnoException;
    throw new UnderstudyError(
      "config_invalid",
      `The health server cannot listen on ${host}:${port} (${words[code] ?? code}). Set HTTP_PORT to a free port, 0 for any, and HTTP_HOST to an address of this machine.`,
      { cause: error },
    );
  }
  return { port: (server.address() as AddressInfo).port, close: () => close(server) };
}

const words: Readonly<Record<string, string>> = {
  EADDRINUSE: "the port is taken",
  EADDRNOTAVAIL: "this machine has no such address",
  ENOTFOUND: "the host is unknown",
  EACCES: "not allowed for this user",
};

async function answer(
  path: string | undefined,
  { isReady, metrics }: Sources,
  response: ServerResponse,
): Promise<void> {
  if (path === "/healthz") send(response, 200, "ok\n");
  else if (path === "/metrics") send(response, 200, await metrics(), "text/plain; version=0.0.4");
  else if (path !== "/readyz") send(response, 404, "not found: /healthz, /readyz or /metrics\n");
  else if (isReady()) send(response, 200, "ready\n");
  else send(response, 503, "not ready: Redis is away, or the worker is starting or draining\n");
}

function send(response: ServerResponse, status: number, body: string, type = "text/plain"): void {
  response.writeHead(status, { "content-type": `${type}; charset=utf-8` }).end(body);
}

async function close(server: Server): Promise<void> {
  server.close();
  server.closeAllConnections();
  await once(server, "close");
}
