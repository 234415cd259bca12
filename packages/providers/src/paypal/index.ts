export { paypal } from "./provider.ts";
