import { availableParallelism } from "node:os";

import * as z from "zod";

import { type EnvReader, wholeNumber } from "./env.ts";

/** What a process is told of itself, whatever it serves; a supervisor needs no more. */
export interface ProcessConfig {
  /** work: run jobs. janitor: sweep what failed to the dead letters, and look for jobs lost with their worker. */
  readonly role: Role;
  /** How many workers; with more than one this process only supervises them. */
  readonly processes: number;
  readonly drainDeadlineMs: number;
  readonly http: { readonly host: string; readonly port: number };
  readonly logLevel: (typeof logLevels)[number];
}

export type Role = (typeof roles)[number];

const roles = ["both", "work", "janitor"] as const;
const logLevels = ["trace", "debug", "info", "warn", "error", "fatal", "silent"] as const;
const MAX_PROCESSES = 64;

export function readRole(reader: EnvReader): Role {
  return reader.read("ROLE", z.enum(roles).default("both")) ?? "both";
}

export function readProcess(reader: EnvReader, role: Role): ProcessConfig {
  const processes = readProcesses(reader);
  return {
    role,
    // Janitors gain nothing by being many, and may share a .env with workers.
    processes: role === "janitor" ? 1 : processes,
    drainDeadlineMs: reader.read("DRAIN_DEADLINE_MS", wholeNumber(0, 86_400_000).default(25_000)) ?? 0,
    http: {
      host: reader.read("HTTP_HOST", z.string().default("127.0.0.1")) ?? "",
      port: reader.read("HTTP_PORT", wholeNumber(0, 65_535).default(8080)) ?? 0,
    },
    logLevel: reader.read("LOG_LEVEL", z.enum(logLevels).default("info")) ?? "info",
  };
}

function readProcesses(reader: EnvReader): number {
  const value = reader.raw("WORKER_PROCESSES");
  if (value?.toLowerCase() === "auto") return Math.min(availableParallelism(), MAX_PROCESSES);
  const processes = wholeNumber(1, MAX_PROCESSES).safeParse(value ?? "1");
  if (!processes.success)
    reader.problem(
      `WORKER_PROCESSES is wrong: must be a whole number from 1 to ${MAX_PROCESSES}, or auto for one per core.`,
    );
  return processes.data ?? 1;
}
