// Usage: npm run new-provider -- NAME [--capability email.send]. Makes packages/providers/src/NAME: adapter, fake, tests, README.
import { kinds } from "./lib/new/make-folder.ts";
import { run } from "./lib/new/run.ts";

/** Those that there is a template for. */
const capabilities = ["email.send"];

await run({
  kind: kinds.provider,
  usage: "npm run new-provider -- postmark [--capability email.send]",
  options: { capability: { type: "string", default: "email.send" } },
  check: ({ capability }) =>
    capabilities.includes(String(capability))
      ? undefined
      : `There is no template for "${String(capability)}", only for ${capabilities.join(", ")}. docs/adding-a-provider.md says which provider to begin with for another capability.`,
  next: (name) => [
    `Make it the vendor's: packages/providers/src/${name}/. Whatever is left to do there says TODO.`,
    `npm test -- packages/providers && npm run check`,
    "docs/adding-a-provider.md: what each file must get right",
  ],
});
