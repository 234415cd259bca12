// Usage: npm run new-job -- NAME. Makes packages/jobs/src/NAME with its test; docs/adding-a-job.md goes on from there.
import { kinds } from "./lib/new/make-folder.ts";
import { run } from "./lib/new/run.ts";

await run({
  kind: kinds.job,
  usage: "npm run new-job -- order-shipped",
  next: (name) => [
    `Write what it says: packages/jobs/src/${name}/job.ts. Whatever is left to do there says TODO.`,
    "npm test -- packages/jobs && npm run check",
    "docs/adding-a-job.md: the policy, the queue, enqueuing it",
  ],
});
