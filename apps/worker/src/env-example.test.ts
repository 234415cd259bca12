import { readFileSync } from "node:fs";
import { join } from "node:path";
import { parseEnv } from "node:util";

import { jobs } from "@understudy/jobs";
import { providers } from "@understudy/providers";
import { expect, test } from "vitest";

import { readConfig } from "./config.ts";
import type { Env } from "./env.ts";

const text = readFileSync(join(import.meta.dirname, "../../../.env.example"), "utf8");
/** A key that opens cannot be made up: in place of the placeholder stands the sandbox's. */
const { privateKey, privateKeyPassphrase } = providers.snowflake.sandboxConfig;
const keys = { SNOWFLAKE_PRIVATE_KEY: privateKey, SNOWFLAKE_PRIVATE_KEY_PASSPHRASE: privateKeyPassphrase };
const required: Env = { ...parseEnv(text), ...keys };
const everything: Env = { ...parseEnv(text.replaceAll(/^#(?=[A-Z\d_]+=)/gmu, "")), ...keys };

const capabilities = Object.values(providers).flatMap(({ adapters }) =>
  adapters.map(({ capability }) => capability),
);

/** An environment that notes which variables it was asked for. */
function listening(env: Env): { readonly env: Env; readonly asked: Set<string> } {
  const asked = new Set<string>();
  const get = (target: Env, name: string): string | undefined => {
    asked.add(name);
    return target[name];
  };
  return { env: new Proxy(env, { get }), asked };
}

test(".env.example names every variable that a worker reads, and no other", () => {
  const { env, asked } = listening(required);
  readConfig(env, jobs, providers);
  expect([...asked].toSorted()).toEqual(Object.keys(everything).toSorted());
});

test("its routes name every provider of their capability", () => {
  for (const { name } of capabilities) {
    const route = required[`ROUTE_${name.toUpperCase().replaceAll(".", "_")}`];
    const able = Object.values(providers).filter(({ adapters }) =>
      adapters.some(({ capability }) => capability.name === name),
    );
    expect(route?.split(",").toSorted(), name).toEqual(able.map((provider) => provider.name).toSorted());
  }
});

test("what it shows commented out are the defaults", () => {
  expect(readConfig(everything, jobs, providers)).toEqual(readConfig(required, jobs, providers));
});
