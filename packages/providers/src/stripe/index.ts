export { stripe } from "./provider.ts";
