import { sendgridSandbox } from "../sendgrid/sandbox.ts";

export const sandboxes = { sendgrid: sendgridSandbox } as const;
