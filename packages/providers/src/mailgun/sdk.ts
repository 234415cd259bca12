import type Mailgun from "mailgun.js";

import { loadSdk } from "../load-sdk.ts";
import { sendCarried } from "../transport/carry.ts";

type MailgunClient = ReturnType<Mailgun["client"]>;
export type MailgunMessage = Parameters<MailgunClient["messages"]["create"]>[1];

interface RequestProvider {
  makeRequest(url: string, method: string, options: { readonly data?: unknown }): Promise<unknown>;
}

/** The key as it stands in the Authorization header, for the user that Mailgun calls "api". */
export function credentialsOf(apiKey: string): string {
  return Buffer.from(`api:${apiKey}`).toString("base64");
}

/** The SDK on our transport: its own reports every network failure as a status 400 and drops all headers. */
export function mailgunClient(apiKey: string, baseUrl: string): MailgunClient {
  const Sdk = loadSdk("mailgun.js") as typeof Mailgun;
  const client = new Sdk(FormData).client({ username: "api", key: apiKey, url: baseUrl });
  // The SDK's interface hides the request that its class has
  const { request } = client as unknown as { readonly request: { requestProvider: RequestProvider } };
  const authorization = `Basic ${credentialsOf(apiKey)}`;
  request.requestProvider = {
    makeRequest: async (url, _method, { data }) => {
      if (!(data instanceof FormData)) throw new Error("The transport carries forms only.");
      const form = new Response(data);
      const { status, headers, body } = await sendCarried({
        method: "POST",
        url,
        headers: { authorization, "content-type": form.headers.get("content-type") ?? "" },
        body: await form.bytes(),
      });
      return { status, headers, body: body.toString() };
    },
  };
  return client;
}
