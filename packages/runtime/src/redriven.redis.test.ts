import { expect, test } from "vitest";

import { ada, delivered, failing, newStage, noteJob, payJob, release, scripted } from "./testing/stage.ts";

test("a mail that may have been sent once, with copies to spare, runs after its redrive", async () => {
  const stage = newStage();
  const answers = [failing("ambiguous", "timeout"), failing("rejected", "http_400"), delivered];
  const link = scripted("a", answers);
  stage.start([link]);
  const { id } = await stage.client.enqueue(noteJob, { n: 1 });
  expect(await stage.reaches(id, "dead")).toMatchObject({ ended: { effect: "maybe" } });
  expect((await stage.operator.letter(id))?.prospect.fate).toBe("possible_duplicate");
  expect(await stage.operator.redrive(id, ada())).toBe("redriven");
  expect(await stage.reaches(id, "completed")).toMatchObject({ redrives: 1 });
  expect(link.calls).toHaveLength(3);
});

test("a release of a death that nobody looked at is refused: what was released before may have happened since", async () => {
  const stage = newStage();
  stage.start([scripted("bank", [failing("ambiguous", "timeout")], { idempotency: "none" })]);
  const { id } = await stage.client.enqueue(payJob, { n: 1 }, { idempotencyKey: "order-1" });
  await stage.reaches(id, "dead");
  const seen = (await stage.operator.letter(id))?.version ?? "";
  // Ada looks at it; meanwhile somebody else releases and redrives it, and nobody knows of the second charge either.
  expect(await release(stage, id, ada("not in the books"))).toBe("released");
  expect(await stage.operator.redrive(id, ada())).toBe("redriven");
  await expect.poll(async () => (await stage.operator.letter(id))?.past.length).toBe(2);
  expect(await stage.operator.release(id, ada("not in the books"), { seen })).toBe("changed");
  await expect(stage.operator.release(id, ada("surely"))).rejects.toMatchObject({
    message: expect.stringContaining("which death of it you have looked into"),
  });
  expect(await stage.operator.redrive(id, ada(), { seen })).toBe("changed");
  expect(await stage.operator.discard(id, ada(), { seen })).toBe("changed");
  expect((await stage.envelopeOf(id)).generation).toBe(2);
});

test("somebody who may not release money does not come to it while the job is still being run", async () => {
  const stage = newStage();
  const gate = Promise.withResolvers<void>();
  const slow = { ...failing("ambiguous", "timeout"), waitFor: gate.promise };
  stage.start([scripted("bank", [() => gate.promise.then(() => slow)], { idempotency: "none" })]);
  const { id } = await stage.client.enqueue(payJob, { n: 1 }, { idempotencyKey: "order-1" });
  await stage.reaches(id, "active");
  const operator = { by: { name: "eve", role: "operator" as const }, reason: "quick" };
  await expect(stage.operator.release(id, operator, { seen: "x" })).rejects.toMatchObject({
    code: "not_permitted",
  });
  gate.resolve();
  await stage.reaches(id, "dead");
  await expect(stage.operator.discard(id, operator)).rejects.toMatchObject({ code: "not_permitted" });
});
