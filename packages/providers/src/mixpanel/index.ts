export { mixpanel } from "./provider.ts";
