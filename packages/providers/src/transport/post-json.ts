import { type Carried, carry, sendCarried } from "./carry.ts";

/** One plain request, for a vendor whose SDK is not wanted. Never throws. */
export function postJson(
  url: string,
  headers: Readonly<Record<string, string>>,
  body: unknown,
  signal: AbortSignal,
): Promise<Carried> {
  return carry(signal, () =>
    sendCarried({
      method: "POST",
      url,
      headers: { ...headers, "content-type": "application/json" },
      body: JSON.stringify(body),
    }),
  );
}
