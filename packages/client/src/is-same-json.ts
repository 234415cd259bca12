/** Deeper ones, and those that hold themselves, are left to JSON. */
const MOST_DEEP = 100;

/** Whether both are the same, and made of nothing but what JSON carries as it is. False when in doubt. */
export function isSameJson(one: unknown, other: unknown, depth = 0): boolean {
  if (depth > MOST_DEEP) return false;
  if (typeof one === "number") return one === other && Number.isFinite(one) && !Object.is(one, -0);
  if (typeof one !== "object" || one === null)
    return one === other && (typeof one === "string" || typeof one === "boolean" || one === null);
  if (typeof other !== "object" || other === null) return false;
  if (Array.isArray(one)) return Array.isArray(other) && isSameList(one, other, depth + 1);
  return isPlain(one) && isPlain(other) && isSameRecord(one, other, depth + 1);
}

function isSameList(one: readonly unknown[], other: readonly unknown[], depth: number): boolean {
  if (one.length !== other.length) return false;
  // By number: where nothing stands JSON has null.
  for (let n = 0; n < one.length; n += 1) if (!isSameJson(one[n], other[n], depth)) return false;
  return true;
}

type Fields = Readonly<Record<string, unknown>>;

function isSameRecord(one: Fields, other: Fields, depth: number): boolean {
  const keys = Object.keys(one);
  return (
    keys.length === Object.keys(other).length &&
    keys.every(
      (key) => key !== "__proto__" && Object.hasOwn(other, key) && isSameJson(one[key], other[key], depth),
    )
  );
}

function isPlain(value: object): value is Fields {
  const prototype: unknown = Object.getPrototypeOf(value);
  return (prototype === Object.prototype || prototype === null) && !("toJSON" in value);
}
