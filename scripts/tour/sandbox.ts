/** What the tour asks of the sandbox's control API. */
export interface Sandbox {
  break(provider: string, mode: "503" | "accept-then-hang" | "healthy"): Promise<void>;
  mend(): Promise<void>;
  effects(): Promise<readonly Effect[]>;
}

/** What a provider's fake did for one job. */
export interface Effect {
  readonly provider: string;
  readonly jobId?: string;
}

export function sandboxAt(url: string): Sandbox {
  const ask = async (method: string, path: string, body?: unknown): Promise<unknown> => {
    const response = await fetch(`${url}${path}`, {
      method,
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    if (!response.ok) throw new Error(`the sandbox refused ${method} ${path}: ${await response.text()}`);
    return await response.json();
  };
  return {
    async break(provider, mode) {
      await ask("PUT", `/faults/${provider}`, { mode });
    },
    async mend() {
      await ask("DELETE", "/faults");
    },
    async effects() {
      return ((await ask("GET", "/effects")) as { readonly effects: readonly Effect[] }).effects;
    },
  };
}
