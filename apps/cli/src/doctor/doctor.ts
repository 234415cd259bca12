import type { Session } from "../session.ts";
import { checkPersistence, checkTransport, checkWrites } from "./durability.ts";
import { type Check, type Finding, runCheck } from "./finding.ts";
import { checkAudit, checkQueues } from "./fleet.ts";
import { checkClients, checkEviction, checkMemory, checkVersion } from "./memory.ts";
import { checkProviders } from "./providers.ts";
import { connectServer, type Server } from "./server.ts";
import { checkClock, checkLatency } from "./timing.ts";

/** Asks everything at once, each with a deadline of its own. @throws Complaint when Redis is not to be reached at all */
export async function examine(
  { settings, operator }: Session,
  isProduction: boolean,
): Promise<readonly Finding[]> {
  const { redisUrl, namespace, deadlineMs } = settings;
  const server = await connectServer(redisUrl, deadlineMs);
  try {
    // Before the rest, which would be in its way.
    const latency = await runCheck(
      { name: "latency", run: () => checkLatency(server) },
      deadlineMs,
      server.cli("PING"),
    );
    const rest = [
      ...checksOfServer(server, namespace, isProduction),
      { name: "queues", run: () => checkQueues(operator, isProduction) },
      { name: "providers", run: () => checkProviders(operator) },
      { name: "audit", run: () => checkAudit(operator) },
    ];
    const found = await Promise.all(rest.map((check) => runCheck(check, deadlineMs, server.cli("INFO"))));
    return [...found.flat().slice(0, 1), ...latency, ...found.flat().slice(1)];
  } finally {
    server.close();
  }
}

function checksOfServer(server: Server, namespace: string, isProduction: boolean): readonly Check[] {
  return [
    { name: "version", run: () => checkVersion(server) },
    { name: "clock", run: () => checkClock(server) },
    { name: "transport", run: () => Promise.resolve(checkTransport(server, isProduction)) },
    { name: "writes", run: () => checkWrites(server, namespace) },
    { name: "eviction", run: () => checkEviction(server) },
    { name: "memory", run: () => checkMemory(server, isProduction) },
    { name: "clients", run: () => checkClients(server) },
    { name: "persistence", run: () => checkPersistence(server, isProduction) },
  ];
}
