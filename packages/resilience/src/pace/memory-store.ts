import type { Pace } from "@understudy/core";

import { createLedger, type Ledger } from "./ledger.ts";
import type { PaceStore } from "./store.ts";

interface Account {
  readonly ledger: Ledger;
  readonly users: Map<string, number>;
  closedUntil: number;
  said: Pace | undefined;
  saidUntil: number;
}

const USER_MS = 10_000;

/**
 * The books of a fleet that lives in one process: a simulation, or a test with a clock of its own.
 * @returns the store as a process of that name sees it
 */
export function createMemoryPaceStore(now: () => number): (self: string) => PaceStore {
  const accounts = new Map<string, Account>();
  return (self) => ({
    async lease({ books, name }, { measures, want, need, back, spent, earned, closeForMs, pace }) {
      const key = `${books} ${name} ${JSON.stringify(measures)}`;
      const account = accounts.get(key) ?? {
        ledger: createLedger(measures, now),
        users: new Map(),
        closedUntil: 0,
        said: undefined,
        saidUntil: 0,
      };
      accounts.set(key, account);
      const { ledger, users } = account;
      users.set(self, now());
      for (const [user, at] of users) if (now() - at > USER_MS) users.delete(user);
      for (const lot of back) ledger.giveBack(lot.permits, lot.at);
      if (spent > 0) ledger.spend(spent);
      if (earned !== 0) ledger.earn(earned);
      account.closedUntil = Math.max(account.closedUntil, now() + closeForMs);
      if (pace !== undefined) {
        account.said = pace;
        account.saidUntil = now() + pace.resetsInMs;
      }
      const closedForMs = Math.max(0, account.closedUntil - now());
      const granted = need > 0 && closedForMs === 0 ? ledger.take(want, need) : 0;
      const isSaid = account.said !== undefined && account.saidUntil > now();
      return {
        granted,
        room: ledger.room(),
        opensInMs: Math.max(closedForMs, ledger.opensInMs(Math.max(need, 1))),
        closedForMs,
        users: users.size,
        ...(isSaid && account.said !== undefined
          ? { pace: { remaining: account.said.remaining, resetsInMs: account.saidUntil - now() } }
          : {}),
        left: ledger.left(),
        at: now(),
      };
    },
  });
}
