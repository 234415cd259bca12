import { mailgunSandbox } from "../mailgun/sandbox.ts";
import { sendgridSandbox } from "../sendgrid/sandbox.ts";
import { smtpSandbox } from "../smtp/sandbox.ts";

export const sandboxes = { mailgun: mailgunSandbox, sendgrid: sendgridSandbox, smtp: smtpSandbox } as const;
