import { expect, test } from "vitest";
import * as z from "zod";

import { type Capability, defineCapability } from "./capability.ts";
import { type Adapter, defineProvider } from "./provider.ts";

const request = z.object({ n: z.number() });
const receipt = z.object({});
const pay = defineCapability({ name: "test.pay", request, receipt, duplicates: "forbidden" });
const mail = defineCapability({ name: "test.mail", request, receipt, duplicates: "tolerated" });

const shared = { name: "vendor", config: z.object({ apiKey: z.string() }), sandboxConfig: {} } as const;
const create =
  <C extends Capability>(_: C) =>
  (): Adapter<C> =>
  async () => ({ kind: "unavailable", code: "test", provider: "vendor", at: 0, durationMs: 0 });
const keyed = { horizonMs: 1, maxKeyLength: 1 };

test("money needs a key or a look-up; without either it does not compile", () => {
  const withKey = defineProvider({
    ...shared,
    adapters: [{ capability: pay, idempotency: keyed, create: create(pay) }],
  });
  const lookUp = { trustNotFoundAfterMs: 1, create: () => async () => "cannot_tell" as const };
  const withLookUp = defineProvider({
    ...shared,
    adapters: [{ capability: pay, idempotency: "none", lookUp, create: create(pay) }],
  });
  const withNeither = defineProvider({
    ...shared,
    // @ts-expect-error neither a key nor a look-up
    adapters: [{ capability: pay, idempotency: "none", create: create(pay) }],
  });
  const mixed = defineProvider({
    ...shared,
    adapters: [
      { capability: mail, idempotency: "none", create: create(mail) },
      { capability: pay, idempotency: keyed, create: create(pay) },
    ],
  });
  expect([withKey, withLookUp, withNeither, mixed].map(({ adapters }) => adapters.length)).toEqual([
    1, 1, 1, 2,
  ]);
});

test("an adapter is created from the provider's own configuration", () => {
  const wrong = defineProvider({
    ...shared,
    adapters: [
      {
        capability: mail,
        idempotency: "none",
        // @ts-expect-error the configuration has no token
        create: ({ token }) => create(mail)(token),
      },
    ],
  });
  expect(wrong.name).toBe("vendor");
});
