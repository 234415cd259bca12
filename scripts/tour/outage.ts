import { CASHIER, PRIMARY } from "./routes.ts";
import type { Sandbox } from "./sandbox.ts";
import type { Screen } from "./screen.ts";

/**
 * The plot: early on the cashier takes charges and never answers, for a while; a third of the way in the primary answers 503,
 * later it takes mail and never answers, then it recovers.
 */
export function outage(sandbox: Sandbox, screen: Screen, total: number): (sent: number) => void {
  const acts = [
    {
      at: Math.floor(total / 10) + 1,
      what: `${CASHIER} now takes charges and never answers`,
      act: () => sandbox.break(CASHIER, "accept-then-hang"),
    },
    {
      at: Math.floor(total / 5) + 1,
      what: `${CASHIER} has recovered`,
      act: () => sandbox.break(CASHIER, "healthy"),
    },
    {
      at: Math.floor(total / 3),
      what: `${PRIMARY} now answers 503 to everything`,
      act: () => sandbox.break(PRIMARY, "503"),
    },
    {
      at: Math.floor(total / 2),
      what: `${PRIMARY} now takes mail and never answers`,
      act: () => sandbox.break(PRIMARY, "accept-then-hang"),
    },
    { at: Math.floor((total * 2) / 3), what: `${PRIMARY} has recovered`, act: () => sandbox.mend() },
  ];
  return (sent) => {
    for (const { what, act } of acts.filter(({ at }) => at === sent)) order(screen, what, act());
  };
}

/** Says what was done to a provider, once the sandbox has obeyed. */
export function order(screen: Screen, what: string, act: Promise<void>): void {
  act.then(
    () => screen.say(`>>> ${what}`, "strong"),
    (error: unknown) => screen.say(`the sandbox did not obey: ${String(error)}`, "bad"),
  );
}
