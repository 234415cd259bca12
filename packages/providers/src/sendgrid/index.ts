export { sendgrid } from "./provider.ts";
