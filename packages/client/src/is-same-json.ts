/** Whether both are the same, and made of nothing but what JSON carries as it is. False when in doubt. */
export function isSameJson(one: unknown, other: unknown): boolean {
  if (typeof one === "number") return one === other && Number.isFinite(one) && !Object.is(one, -0);
  if (typeof one !== "object" || one === null)
    return one === other && (typeof one === "string" || typeof one === "boolean" || one === null);
  if (typeof other !== "object" || other === null) return false;
  if (Array.isArray(one)) return Array.isArray(other) && isSameList(one, other);
  return isPlain(one) && isPlain(other) && isSameRecord(one, other);
}

function isSameList(one: readonly unknown[], other: readonly unknown[]): boolean {
  return one.length === other.length && one.every((item, n) => isSameJson(item, other[n]));
}

type Fields = Readonly<Record<string, unknown>>;

function isSameRecord(one: Fields, other: Fields): boolean {
  const keys = Object.keys(one);
  return (
    keys.length === Object.keys(other).length &&
    keys.every((key) => key !== "__proto__" && Object.hasOwn(other, key) && isSameJson(one[key], other[key]))
  );
}

function isPlain(value: object): value is Fields {
  const prototype: unknown = Object.getPrototypeOf(value);
  return (prototype === Object.prototype || prototype === null) && !("toJSON" in value);
}
