/** Where money is more careful than the general table: only the vendor's own words refuse, and no 503 says that nothing was done. */
export const carefulOutcomes = {
  "status 400": { kind: "ambiguous", code: "http_400" },
  "status 413": { kind: "ambiguous", code: "http_413" },
  "503 with Retry-After": { kind: "ambiguous", code: "http_503", retryAfterMs: 7000 },
} as const;
