export { ga4 } from "./provider.ts";
