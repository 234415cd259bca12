export { snowflake } from "./provider.ts";
