export { providers } from "./catalog.gen.ts";
