// Usage: npm run chaos [-- -t <part of a title> ...]: the long forms of the tests in scripts/chaos. Each prints its seed;
// CHAOS_SEED=<seed> npm run chaos makes the same choices again.
process.env["CHAOS"] = "long";
process.argv.splice(2, 0, "scripts/chaos/");
await import("./test.ts");
