export * from "./catalog.gen.ts";
