import { mailgun } from "./mailgun/provider.ts";
import { sendgrid } from "./sendgrid/provider.ts";
import { smtp } from "./smtp/provider.ts";

export const providers = { mailgun, sendgrid, smtp } as const;
