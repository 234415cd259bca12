export { square } from "./provider.ts";
