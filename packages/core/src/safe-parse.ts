import * as z from "zod";

const known = new WeakMap<z.ZodType, z.ZodType>();

/** As the schema's own, by its compiled form, which is made when it is first needed: the same answers and errors, sooner. */
export function safeParse<Schema extends z.ZodType>(
  schema: Schema,
  value: unknown,
): z.ZodSafeParseResult<z.output<Schema>> {
  let compiled = known.get(schema);
  if (compiled === undefined) known.set(schema, (compiled = z.compile(schema)));
  return (compiled as Schema).safeParse(value);
}
