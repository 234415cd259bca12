import type { Server } from "node:net";

import { Door } from "./door.ts";
import { FaultSwitch } from "./fault.ts";
import { Ledger } from "./ledger.ts";

export interface SandboxOptions {
  readonly host?: string;
  /** 0: any free port. */
  readonly port?: number;
  /** In [0, 1): decides which requests meet a fault of a share below 1. */
  readonly random?: () => number;
  /** How many effects each ledger keeps. Default 200,000. */
  readonly keepEffects?: number;
}

/** One provider's fake, listening. */
export interface RunningSandbox {
  readonly provider: string;
  readonly url: string;
  /** What the provider's configuration takes to use this fake. */
  readonly config: Readonly<Record<string, string>>;
  readonly faults: FaultSwitch;
  readonly ledger: Ledger;
  close(): Promise<void>;
}

export interface Sandbox {
  readonly provider: string;
  start(options?: SandboxOptions): Promise<RunningSandbox>;
}

interface Parts {
  readonly provider: string;
  readonly scheme: "http" | "smtp";
  readonly serve: (faults: FaultSwitch, ledger: Ledger) => Server;
  readonly configOf: (url: string) => Readonly<Record<string, string>>;
}

/** What every fake has in common: a door, a fault switch and a ledger. */
export function defineSandbox({ provider, scheme, serve, configOf }: Parts): Sandbox {
  return {
    provider,
    start: async ({ host = "127.0.0.1", port = 0, random = Math.random, keepEffects } = {}) => {
      const ledger = new Ledger(provider, keepEffects);
      const faults = new FaultSwitch(({ mode }) => (mode === "refuse" ? door.shut() : door.open()), random);
      const door = new Door(serve(faults, ledger), host, port);
      await door.open();
      const url = `${scheme}://${host}:${door.port}`;
      return { provider, url, config: configOf(url), faults, ledger, close: () => door.close() };
    },
  };
}

/** The environment by which a worker uses a fake: `SENDGRID_API_KEY` -> `apiKey`. */
export function environmentOf({ provider, config }: RunningSandbox): Record<string, string> {
  return Object.fromEntries(
    Object.entries(config).map(([key, value]) => [`${screaming(provider)}_${screaming(key)}`, value]),
  );
}

function screaming(name: string): string {
  return name
    .replaceAll(/([a-z0-9])([A-Z])/gu, "$1_$2")
    .replaceAll("-", "_")
    .toUpperCase();
}

/** Addresses that every fake refuses as its vendor refuses a bad one. */
export function isBadAddress(address: string): boolean {
  return /@(?:rejected\.example|(?:[^@]+\.)?bounce\.test)>?$/iu.test(address);
}

/** What a payment method is to every fake: a token that holds one of these words is what the word says, any other is good. */
export function fateOfToken(token: string): "good" | "declined" | "needs_action" | "missing" {
  if (token.includes("declined")) return "declined";
  if (token.includes("needs-action")) return "needs_action";
  return token.includes("missing") ? "missing" : "good";
}
