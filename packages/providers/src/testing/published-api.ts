import { readFileSync } from "node:fs";
import { join } from "node:path";

import type { CapturedRequest } from "@understudy/testkit";
import { type Document, OpenAPIBackend } from "openapi-backend";

/** A vendor's own description of its API, as the judge of what we send and of what our fake answers. */
export interface PublishedApi {
  /** What the description has against the request; nothing when it may be sent so. */
  problemsOf(request: CapturedRequest): readonly string[];
  /** What it has against this body as the answer to that request. */
  problemsOfAnswer(request: CapturedRequest, status: number, body: unknown): readonly string[];
}

export async function publishedApi(folder: string): Promise<PublishedApi> {
  const definition = JSON.parse(readFileSync(join(folder, "openapi.json"), "utf8")) as Document;
  const api = new OpenAPIBackend({
    definition,
    quick: true,
    // Vendors' patterns are not written for Unicode mode, and their formats are their own.
    ajvOpts: { strict: false, allErrors: true, unicodeRegExp: false, validateFormats: false },
  });
  await api.init();
  const asked = ({ method, path, headers, body }: CapturedRequest) => {
    const { pathname, searchParams } = new URL(path, "http://published");
    const query = Object.fromEntries(searchParams);
    return { method, path: pathname, query, headers: headers as Record<string, string>, body };
  };
  const operationOf = (request: CapturedRequest) => {
    const operation = api.matchOperation(asked(request));
    if (operation === undefined) throw new Error(`${request.method} ${request.path} is not described.`);
    return operation;
  };
  const wordsOf = (errors: readonly { instancePath: string; message?: string }[] | null | undefined) =>
    (errors ?? []).map(({ instancePath, message = "" }) => `${instancePath} ${message}`);
  return {
    problemsOf: (request) => wordsOf(api.validateRequest(asked(request), operationOf(request)).errors),
    problemsOfAnswer: (request, status, body) =>
      wordsOf(api.validateResponse(body, operationOf(request), status).errors),
  };
}
