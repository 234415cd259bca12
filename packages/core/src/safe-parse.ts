import * as z from "zod";

const known = new WeakMap<z.ZodType, z.ZodType>();

/**
 * As the schema's own, sooner: by its compiled form, where it has one, made when it is first needed. Its refinements and transforms must be
 * pure: for a wrong value they are called twice.
 */
export function safeParse<Schema extends z.ZodType>(
  schema: Schema,
  value: unknown,
): z.ZodSafeParseResult<z.output<Schema>> {
  let compiled = known.get(schema);
  if (compiled === undefined) known.set(schema, (compiled = z.compile(schema)));
  try {
    return (compiled as Schema).safeParse(value);
  } catch {
    // What a transform is given is not the same in every respect, and it may not be made for that.
    return schema.safeParse(value);
  }
}
