/** Short forms run with the other tests; `npm run chaos` runs the long ones. */
const isLong = process.env["CHAOS"] === "long";

export const TEST_MS = isLong ? 900_000 : 60_000;

/** How long a stage may take to come to rest. */
export const SETTLE_MS = isLong ? 600_000 : 45_000;

export function form<T>(forms: { readonly short: T; readonly long: T }): T {
  return isLong ? forms.long : forms.short;
}
