// Fails when a lockfile entry lost one of its platform packages (a package registry that lags drops them silently).
import { readFileSync } from "node:fs";
const text = readFileSync(new URL("../pnpm-lock.yaml", import.meta.url), "utf8");
const families = new Map();
for (const [, name] of text.matchAll(/^  '?(@?[^@'\s]+(?:\/[^@'\s]+)?)@[^:\s]+:$/gmu)) {
  const m = /^(.*?)[-./]?((?:linux|darwin|win32|windows)-(?:x64|64|arm64)(?:-gnu|-msvc)?)$/u.exec(name);
  if (m) (families.get(m[1]) ?? families.set(m[1], new Set()).get(m[1])).add(m[2]);
}
// Speeds msgpackr up where it exists; BullMQ runs without it.
const optional = new Set(["@msgpackr-extract/msgpackr-extract"]);
let bad = 0;
for (const [family, have] of families) {
  const want = [/^linux-(?:x64|64)/u, /^linux-arm64/u, /^darwin-arm64/u, /^(?:win32|windows)-(?:x64|64)/u];
  const missing = want.filter((re) => ![...have].some((h) => re.test(h)));
  if (missing.length && !optional.has(family)) {
    bad += 1;
    console.log(`${family}: no ${missing.join(" ")} (has ${[...have].join(" ")})`);
  }
}
console.log(`${families.size} native families, ${bad} incomplete`);
process.exitCode = bad ? 1 : 0;
