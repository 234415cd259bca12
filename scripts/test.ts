import { startVitest } from "vitest/node";
const files = process.argv.slice(2);
const vitest = await startVitest("test", files, { run: true, root: `${import.meta.dirname}/..` });
await vitest.close();
