export { segment } from "./provider.ts";
