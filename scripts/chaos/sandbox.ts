import { type Sandbox, sandboxAt } from "../tour/sandbox.ts";

/** The sandbox's control API, with the faults and figures that only chaos asks for. */
export interface ChaosSandbox extends Omit<Sandbox, "break"> {
  /** @param fault as the sandbox takes it: `{ mode: "503" }`, `{ mode: "latency", latencyMs: 300 }` … */
  fail(provider: string, fault: Readonly<Record<string, unknown>>): Promise<void>;
  /** How many mails each provider has taken. */
  accepted(): Promise<Readonly<Record<string, number>>>;
  /** What a worker must be told to use these fakes. */
  env(): Promise<Readonly<Record<string, string>>>;
}

export function chaosSandboxAt(url: string): ChaosSandbox {
  const sandbox = sandboxAt(url);
  return {
    mend: () => sandbox.mend(),
    effects: () => sandbox.effects(),
    async fail(provider, fault) {
      await ask(`${url}/faults/${provider}`, { method: "PUT", body: JSON.stringify(fault) });
    },
    async accepted() {
      const providers = (await ask(`${url}/providers`)) as readonly {
        readonly name: string;
        readonly accepted: number;
      }[];
      return Object.fromEntries(providers.map(({ name, accepted }) => [name, accepted]));
    },
    async env() {
      return (await ask(`${url}/env`)) as Readonly<Record<string, string>>;
    },
  };
}

async function ask(url: string, init?: RequestInit): Promise<unknown> {
  const response = await fetch(url, init);
  if (!response.ok) throw new Error(`the sandbox refused ${url}: ${await response.text()}`);
  return await response.json();
}
