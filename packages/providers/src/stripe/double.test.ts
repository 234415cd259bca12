import { once } from "node:events";
import { createServer, type RequestListener, type Server } from "node:http";
import type { AddressInfo } from "node:net";

import { chargeRequest } from "@understudy/core";
import { startFaultProxy } from "@understudy/testkit";
import { expect, onTestFinished, test } from "vitest";
import * as z from "zod";

import { stripe } from "./provider.ts";

// https://github.com/pushplay/stripe-stateful-mock: Stripe as others have read its documentation, with keys that it replays.
// @ts-expect-error -- it has no types
const double: unknown = await import("stripe-stateful-mock");
const { createExpressApp } = double as { readonly createExpressApp: () => RequestListener };

const charge = z.object({ id: z.string(), amount: z.int(), currency: z.string(), status: z.string() });
const chargeList = z.object({ data: z.array(charge.extend({ metadata: z.record(z.string(), z.string()) })) });

async function listening(
  listener: RequestListener,
): Promise<{ readonly url: string; readonly port: number }> {
  const server: Server = createServer(listener);
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  onTestFinished(async () => {
    server.close();
    server.closeAllConnections();
    await once(server, "close");
  });
  const { port } = server.address() as AddressInfo;
  return { port, url: `http://127.0.0.1:${port}` };
}

/** The double is older than payment intents: each becomes the charge that Stripe itself would make of it, under the same key. */
function asCharges(double: string): RequestListener {
  return (req, res) => {
    void (async () => {
      const chunks: Buffer[] = [];
      for await (const chunk of req as AsyncIterable<Buffer>) chunks.push(chunk);
      const form = new URLSearchParams(Buffer.concat(chunks).toString());
      const body = new URLSearchParams({ source: "tok_visa" });
      for (const name of ["amount", "currency", "metadata[job_id]"]) body.set(name, form.get(name) ?? "");
      const answer = await fetch(`${double}/v1/charges`, {
        method: "POST",
        headers: {
          authorization: String(req.headers.authorization),
          "idempotency-key": String(req.headers["idempotency-key"]),
        },
        body,
      });
      const said: unknown = await answer.json();
      res.writeHead(answer.status, { "content-type": "application/json" });
      res.end(JSON.stringify(answer.ok ? { ...charge.parse(said), object: "payment_intent" } : said));
    })();
  };
}

test("a double that others wrote holds one charge after its answer was lost and the call was repeated", async () => {
  const double = await listening(createExpressApp());
  const front = await listening(asCharges(double.url));
  const proxy = await startFaultProxy({ host: "127.0.0.1", port: front.port });
  onTestFinished(() => proxy.close());
  const authorization = "Bearer sk_test_understudy-sandbox";
  const charges = async () => {
    const answer = await fetch(`${double.url}/v1/charges`, { headers: { authorization } });
    return chargeList.parse(await answer.json()).data;
  };
  const [implementation] = stripe.adapters;
  const take = implementation!.create(
    stripe.config.parse({ ...stripe.sandboxConfig, baseUrl: `http://127.0.0.1:${proxy.port}` }),
  );
  const request = chargeRequest.parse({
    amountMinor: 1050,
    currency: "EUR",
    paymentMethod: { stripe: "pm_1" },
  });
  const call = { jobId: "double-1", idempotencyKey: "double-1-g1", signal: new AbortController().signal };

  proxy.silence({ deliver: true });
  const lost = take(request, call);
  await expect.poll(charges, { interval: 20 }).toHaveLength(1);
  proxy.cut();
  expect(await lost).toMatchObject({ kind: "ambiguous", code: "connection_lost" });

  await proxy.heal();
  const [taken] = await charges();
  expect(await take(request, call)).toMatchObject({
    kind: "delivered",
    externalId: taken?.id,
    receipt: { status: "captured", amountMinor: 1050, currency: "EUR" },
  });
  expect(await charges()).toMatchObject([{ amount: 1050, metadata: { job_id: "double-1" } }]);

  // And what it says of a key that was used for something else is understood.
  expect(await take({ ...request, amountMinor: 999 }, call)).toMatchObject({
    kind: "ambiguous",
    code: "key_conflict",
  });
  expect(await charges()).toHaveLength(1);
});
