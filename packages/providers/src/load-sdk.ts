import { createRequire } from "node:module";

const load = createRequire(import.meta.url);

/**
 * Loads a vendor's SDK where an account of it is set up: all of them take a worker half a second. Not later, in a call: what cannot be loaded
 * would look like a request that cannot be built.
 * @throws Error that names the package and says what to do
 */
export function loadSdk(name: string): unknown {
  try {
    return load(name);
  } catch (error) {
    const { code = "it fails" } = Object(error) as { readonly code?: string };
    throw new Error(
      `The package ${name} cannot be loaded (${code}); install the dependencies of @understudy/providers again.`,
      { cause: error },
    );
  }
}
