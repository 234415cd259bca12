import { type Carried, carryOne } from "./carry.ts";

/** One plain request, for a vendor whose SDK is not wanted. Never throws. */
export async function postJson(
  url: string,
  headers: Readonly<Record<string, string>>,
  body: unknown,
  signal: AbortSignal,
): Promise<Carried> {
  let text: string;
  try {
    text = JSON.stringify(body);
  } catch (threw) {
    return { requests: 0, threw };
  }
  const all = { ...headers, "content-type": "application/json" };
  return await carryOne({ method: "POST", url, headers: all, body: text }, signal);
}
