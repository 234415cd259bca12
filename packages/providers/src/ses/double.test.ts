import { once } from "node:events";
import type { Server } from "node:http";
import type { AddressInfo } from "node:net";

import { emailRequest } from "@understudy/core";
import { expect, onTestFinished, test } from "vitest";
import * as z from "zod";

import { ses } from "./provider.ts";

interface Double {
  readonly default: (config: { readonly host: string; readonly port: number }) => Promise<Server>;
}

// Its types and its module disagree about what the default export is.
const { default: startDouble } = (await import("aws-ses-v2-local")) as unknown as Double;

// https://github.com/domdomegg/aws-ses-v2-local: SES as others have read its documentation, down to the parsed message.
const store = z.object({
  emails: z.array(
    z.object({
      subject: z.string(),
      destination: z.unknown(),
      body: z.unknown(),
      attachments: z.array(z.unknown()),
    }),
  ),
});

test("a double that others wrote takes the message and reads in it what was meant", async () => {
  const double = await startDouble({ host: "127.0.0.1", port: 0 });
  onTestFinished(async () => {
    double.close();
    double.closeAllConnections();
    await once(double, "close");
  });
  const url = `http://127.0.0.1:${(double.address() as AddressInfo).port}`;
  const send = ses.adapters[0]!.create(ses.config.parse({ ...ses.sandboxConfig, baseUrl: url }));
  const request = emailRequest.parse({
    from: { email: "shop@example.com", name: "The Shöp" },
    to: ["ada@example.org"],
    bcc: ["audit@example.com"],
    subject: "Your order — 4711",
    text: "It is on its way.",
    html: "<p>It is on its way.</p>",
    attachments: [{ filename: "bill.pdf", contentType: "application/pdf", contentBase64: "aGVsbG8=" }],
  });
  const call = { jobId: "double-1", idempotencyKey: "k", signal: new AbortController().signal };

  expect(await send(request, call)).toMatchObject({
    kind: "delivered",
    provider: "ses",
    externalId: expect.any(String),
  });

  const { emails } = store.parse(await (await fetch(`${url}/store`)).json());
  expect(emails).toHaveLength(1);
  expect(emails[0]).toMatchObject({ subject: "Your order — 4711", attachments: [expect.anything()] });
  expect(JSON.stringify(emails[0])).toContain("It is on its way.");
  expect(JSON.stringify(emails[0]?.destination)).toContain("ada@example.org");
});
