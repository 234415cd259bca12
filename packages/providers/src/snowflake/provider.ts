import { defineProvider, secret } from "@understudy/core";
import * as z from "zod";

import { privateKeyOf } from "./key.ts";
import { SANDBOX_KEY } from "./sandbox-key.ts";
import { track } from "./track.ts";

/** Stands in a statement, in quotes: nothing in it can end them. */
const identifier = z
  .string()
  .regex(/^[a-z_][\w$]{0,254}$/iu, "must be a name of letters, digits, _ and $, as SHOW writes it");

const snowflakeConfig = z
  .object({
    /** As in the account's address. */
    account: z
      .string()
      .regex(
        /^(?!.*\.snowflakecomputing)[a-z\d][\w-]*(?:\.[\w-]+){0,2}$/iu,
        "must be what stands before .snowflakecomputing.com, like myorg-myaccount or xy12345.eu-central-1",
      ),
    user: z.string().regex(/^[^\s"]+$/u, "must be a user's name without blanks"),
    /** In PEM; its public half is the user's RSA_PUBLIC_KEY. */
    privateKey: secret(),
    privateKeyPassphrase: secret().optional(),
    warehouse: identifier,
    database: identifier,
    schema: identifier.default("PUBLIC"),
    table: identifier.default("EVENTS"),
    /** Else the user's default role. */
    role: identifier.optional(),
    /** Instead of the account's host: a sandbox, a proxy. */
    baseUrl: z.url({ protocol: /^https?$/u }).optional(),
  })
  .superRefine(({ privateKey, privateKeyPassphrase }, context) => {
    const answer = privateKeyOf(privateKey, privateKeyPassphrase);
    if (answer.ok) return;
    const { setting, message } = answer.problem;
    context.addIssue({ code: "custom", path: [setting], message });
  });

/** https://docs.snowflake.com/en/developer-guide/sql-api/index */
export const snowflake = defineProvider({
  name: "snowflake",
  config: snowflakeConfig,
  sandboxConfig: {
    account: "understudy-sandbox",
    user: "understudy",
    privateKey: SANDBOX_KEY,
    privateKeyPassphrase: "understudy-sandbox",
    warehouse: "SANDBOX",
    database: "ANALYTICS",
  },
  adapters: [track],
});
