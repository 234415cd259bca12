import { type Carried, carry, sendCarried } from "../transport/carry.ts";

/** The one place that names it: https://developer.squareup.com/docs/build-basics/versioning-overview */
const API_VERSION = "2026-09-16";

export interface SquareConfig {
  readonly accessToken: string;
  readonly locationId?: string | undefined;
  readonly environment: "production" | "sandbox";
  readonly baseUrl?: string | undefined;
}

const hosts = {
  production: "https://connect.squareup.com",
  sandbox: "https://connect.squareupsandbox.com",
} as const;

/** No SDK: Square's weighs 80 MB, and calls an HTML page with status 200 a success. */
export interface SquareClient {
  post(path: string, body: unknown, signal: AbortSignal): Promise<Carried>;
  get(
    path: string,
    query: Readonly<Record<string, string | undefined>>,
    signal: AbortSignal,
  ): Promise<Carried>;
}

export function squareClient({ accessToken, environment, baseUrl }: SquareConfig): SquareClient {
  const root = (baseUrl ?? hosts[environment]).replace(/\/+$/u, "");
  const headers = { authorization: `Bearer ${accessToken}`, "square-version": API_VERSION };
  return {
    post: (path, body, signal) =>
      carry(signal, () =>
        sendCarried({
          method: "POST",
          url: `${root}${path}`,
          headers: { ...headers, "content-type": "application/json" },
          body: JSON.stringify(body),
        }),
      ),
    get: (path, query, signal) => {
      const given = Object.entries(query).filter(
        (entry): entry is [string, string] => entry[1] !== undefined,
      );
      const url = `${root}${path}?${new URLSearchParams(given).toString()}`;
      return carry(signal, () => sendCarried({ method: "GET", url, headers }));
    },
  };
}
