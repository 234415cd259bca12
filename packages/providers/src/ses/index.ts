export { ses } from "./provider.ts";
