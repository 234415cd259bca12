import { sendgrid } from "./sendgrid/provider.ts";

export const providers = { sendgrid } as const;
