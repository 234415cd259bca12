import type mail from "@sendgrid/mail";

import { loadSdk } from "../load-sdk.ts";
import { axiosAdapter } from "../transport/axios-adapter.ts";

export type SendGridMessage = Exclude<Parameters<typeof mail.send>[0], readonly unknown[]>;

interface SendGridMail {
  readonly client: { setDefaultRequest(key: string, value: unknown): void };
  setApiKey(apiKey: string): void;
  send(message: SendGridMessage): Promise<unknown>;
}

/** The SDK on our transport. */
export function mailService(apiKey: string, baseUrl: string): SendGridMail {
  // The SDK's types lack the class beside its one shared instance
  const { MailService } = loadSdk("@sendgrid/mail") as { readonly MailService: new () => SendGridMail };
  const service = new MailService();
  service.setApiKey(apiKey);
  // Only now: setApiKey sets the base URL back to its own.
  service.client.setDefaultRequest("baseUrl", baseUrl);
  service.client.setDefaultRequest("adapter", axiosAdapter);
  return service;
}
