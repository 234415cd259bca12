export { smtp } from "./provider.ts";
