/** The providers' fakes, over their control API. */
export interface Sandbox {
  /** What a worker must be told to use them. */
  env(): Promise<Readonly<Record<string, string>>>;
  urls(): Promise<Readonly<Record<string, string>>>;
  fail(provider: string, fault: Readonly<Record<string, unknown>>): Promise<void>;
  mend(): Promise<void>;
  /** What each provider did, in order. */
  effectsOf(provider: string): AsyncIterable<Effect>;
}

export interface Effect {
  readonly provider: string;
  readonly jobId?: string;
}

const PAGE = 50_000;

export function createSandbox(url: string): Sandbox {
  const ask = async (path: string, init?: RequestInit): Promise<unknown> => {
    const response = await fetch(`${url}${path}`, init);
    if (!response.ok) throw new Error(`The sandbox refused ${path}: ${await response.text()}`);
    return await response.json();
  };
  return {
    env: async () => (await ask("/env")) as Readonly<Record<string, string>>,
    async urls() {
      const all = (await ask("/providers")) as readonly { readonly name: string; readonly url: string }[];
      return Object.fromEntries(all.map(({ name, url: at }) => [name, at]));
    },
    async fail(provider, fault) {
      await ask(`/faults/${provider}`, { method: "PUT", body: JSON.stringify(fault) });
    },
    async mend() {
      await ask("/faults", { method: "DELETE" });
    },
    async *effectsOf(provider) {
      for (let offset = 0; ; offset += PAGE) {
        const query = `provider=${provider}&offset=${offset}&limit=${PAGE}`;
        const { effects } = (await ask(`/effects?${query}`)) as { readonly effects: readonly Effect[] };
        yield* effects;
        if (effects.length < PAGE) return;
      }
    },
  };
}
