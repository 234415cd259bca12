import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";

/** undici's `request`, as far as it is used here. */
type Request = (
  url: string,
  options: {
    readonly method: "POST";
    readonly headers: Readonly<Record<string, string>>;
    readonly body: string;
  },
) => Promise<{ readonly statusCode: number; readonly body: { text(): Promise<string> } }>;

/** Of the very undici that our providers use: a comparison with another version would say nothing. */
export async function bareRequest(): Promise<Request> {
  const providers = createRequire(import.meta.resolve("@understudy/providers/package.json"));
  const { request } = (await import(pathToFileURL(providers.resolve("undici")).href)) as { request: Request };
  return request;
}
