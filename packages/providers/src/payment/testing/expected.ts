/** Where money is more careful than the general table: no status alone says that nothing was done. */
export const carefulOutcomes = {
  "status 413": { kind: "ambiguous", code: "http_413" },
  "503 with Retry-After": { kind: "ambiguous", code: "http_503", retryAfterMs: 7000 },
} as const;
