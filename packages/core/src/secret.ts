import * as z from "zod";

const secrets = new WeakSet<z.ZodType>();

/** A configuration value that must never be printed. */
export function secret(): z.ZodString {
  const schema = z.string().min(1);
  secrets.add(schema);
  return schema;
}

/** The keys of a configuration that hold secrets. */
export function secretKeysOf(config: z.ZodObject): readonly string[] {
  return Object.keys(config.shape).filter((key) => secrets.has(config.shape[key] as z.ZodType));
}
