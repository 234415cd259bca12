import type { AnyJob } from "@understudy/core";
import type { Actor, Operator } from "@understudy/operator";
import type { FastifyRequest } from "fastify";

import type { RunDriver } from "../run-driver.ts";
import type { Session } from "../sign-in/sessions.ts";

export interface KnownProvider {
  readonly name: string;
  /** The names of the capabilities that it serves. */
  readonly capabilities: readonly string[];
}

/** What the pages are made of. */
export interface PageParts {
  readonly operator: Operator;
  readonly jobs: readonly AnyJob[];
  /** All providers that this program knows. */
  readonly providers: readonly KnownProvider[];
  readonly runs: RunDriver;
}

/** The names of those that could serve a job, as far as this program knows. */
export function ableTo(
  { jobs, providers }: Pick<PageParts, "jobs" | "providers">,
  jobName: string,
): readonly string[] {
  const job = jobs.find(({ name }) => name === jobName);
  const able = providers.filter(
    ({ capabilities }) => job !== undefined && capabilities.includes(job.capability.name as string),
  );
  return able.map(({ name }) => name);
}

/** Who asks; the guard lets nobody else through. */
export function sessionOf({ session }: FastifyRequest): Session {
  if (session === undefined) throw new TypeError("a page was reached without a session");
  return session;
}

export function actorOf(request: FastifyRequest): Actor {
  const { name, role } = sessionOf(request);
  return { name, role };
}
