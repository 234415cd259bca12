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
  return Object.keys(config.shape).filter((key) => secrets.has(innermost(config.shape[key] as z.ZodType)));
}

/** One that may be left out, or has a default, is no less a secret. */
function innermost(schema: z.ZodType): z.ZodType {
  const isWrapper = schema instanceof z.ZodOptional || schema instanceof z.ZodDefault;
  return isWrapper ? innermost(schema.unwrap() as z.ZodType) : schema;
}
