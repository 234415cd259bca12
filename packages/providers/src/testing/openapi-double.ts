import { once } from "node:events";
import { readFileSync } from "node:fs";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

import formats from "ajv-formats";
import { type Context, type Document, OpenAPIBackend } from "openapi-backend";

/** A vendor as its own published description has it: it judges each request by that, and answers with its examples. */
export interface OpenapiDouble extends AsyncDisposable {
  readonly url: string;
  /** What it found wrong, request by request, each as JSON Schema says it; empty for a request in order. */
  readonly verdicts: readonly (readonly string[])[];
}

/** @param headers of a success, where the vendor sends some that its description does not name */
export async function openapiDouble(
  description: URL,
  headers: Readonly<Record<string, string>> = {},
): Promise<OpenapiDouble> {
  const verdicts: (readonly string[])[] = [];
  const api = await judgeOf(JSON.parse(readFileSync(description, "utf8")) as Document);
  const server = createServer((req, res) => {
    const judged = async (): Promise<void> => {
      const { complaints, status, mock } = await judge(api, req);
      verdicts.push(complaints);
      answer(res, status, mock, status < 300 ? headers : {});
    };
    judged().catch((error: unknown) => answer(res, 500, { message: String(error) }, {}));
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    verdicts,
    [Symbol.asyncDispose]: async () => {
      server.close();
      server.closeAllConnections();
      await once(server, "close");
    },
  };
}

interface Verdict {
  readonly complaints: readonly string[];
  readonly status: number;
  readonly mock: unknown;
}

async function judgeOf(definition: Document): Promise<OpenAPIBackend> {
  const api = new OpenAPIBackend({
    definition,
    // SendGrid's is not itself valid OpenAPI: keywords stand beside a $ref.
    quick: true,
    ajvOpts: {
      // A field of a form that comes once is an array of one where the description wants an array; JSON is taken at its word.
      coerceTypes: takesForms(definition) ? "array" : false,
      strict: false,
      allErrors: true,
      unicodeRegExp: false,
      logger: false,
    },
    customizeAjv: (ajv) => formats.default(ajv),
  });
  const example = ({ operation }: Context, code?: number): { status: number; mock: unknown } =>
    api.mockResponseForOperation(operation.operationId ?? "", code === undefined ? {} : { code });
  api.register({
    notImplemented: (context): Verdict => ({ complaints: [], ...example(context) }),
    validationFail: (context): Verdict => ({
      complaints: (context.validation.errors ?? []).map(
        ({ instancePath, message }) => `${instancePath} ${message ?? ""}`,
      ),
      ...example(context, 400),
    }),
    unauthorizedHandler: (context): Verdict => ({ complaints: ["unauthorized"], ...example(context, 401) }),
    notFound: (): Verdict => ({ complaints: ["no such operation"], status: 404, mock: undefined }),
  });
  for (const [name, scheme] of Object.entries(definition.components?.securitySchemes ?? {}))
    api.registerSecurityHandler(name, ({ request }) => {
      const [sent = "", credentials] = String(request.headers["authorization"]).split(" ");
      return "scheme" in scheme && scheme.scheme === sent.toLowerCase() && credentials !== undefined;
    });
  return api.init();
}

function takesForms({ paths }: Document): boolean {
  return JSON.stringify(paths).includes('"multipart/form-data"');
}

async function judge(api: OpenAPIBackend, req: IncomingMessage): Promise<Verdict> {
  const chunks: Buffer[] = [];
  for await (const chunk of req as AsyncIterable<Buffer>) chunks.push(chunk);
  const { method = "", url: path = "" } = req;
  const headers = Object.fromEntries(
    Object.entries(req.headers).map(([name, value]) => [name, String(value)]),
  );
  const body = await bodyOf(Buffer.concat(chunks), headers["content-type"] ?? "");
  return (await api.handleRequest({ method, path, headers, body })) as Verdict;
}

/** As the description reads it: of a form, each field's values; a file is some string. */
async function bodyOf(body: Buffer<ArrayBuffer>, contentType: string): Promise<unknown> {
  if (!contentType.startsWith("multipart/form-data")) return body.toString();
  const form = await new Response(body, { headers: { "content-type": contentType } }).formData();
  return Object.fromEntries(
    [...new Set(form.keys())].map((name) => {
      const all = form.getAll(name).map((value) => (typeof value === "string" ? value : value.name));
      return [name, all.length === 1 ? all[0] : all];
    }),
  );
}

function answer(
  res: ServerResponse,
  status: number,
  body: unknown,
  headers: Readonly<Record<string, string>>,
): void {
  res.writeHead(status, { "content-type": "application/json", ...headers });
  res.end(body === undefined ? "" : JSON.stringify(body));
}
