export { mailgun } from "./provider.ts";
