import { describe, expect, test } from "vitest";

import { delivered, failing, newStage, noteJob, scripted } from "./testing/stage.ts";

describe("what a producer sees of its job", () => {
  test("waiting, and then completed with its receipt and its trail", async () => {
    const stage = newStage();
    const { id } = await stage.client.enqueue(noteJob, { n: 1 });
    expect(await stage.client.status(id)).toMatchObject({
      id,
      state: "waiting",
      queue: "notes",
      job: "note",
      attempts: 0,
      trail: [],
    });
    stage.start([scripted("a", [failing("unavailable", "http_503")]), scripted("b", [delivered])]);
    expect(await stage.client.result(id)).toMatchObject({
      state: "completed",
      attempts: 1,
      receipt: { id: "r1" },
      trail: [
        { provider: "a", code: "http_503" },
        { provider: "b", kind: "delivered" },
      ],
    });
  });

  test("delayed", async () => {
    const stage = newStage();
    const { id } = await stage.client.enqueue(noteJob, { n: 1 }, { delayMs: 60_000 });
    expect(await stage.client.status(id)).toMatchObject({ state: "delayed" });
  });

  test("dead, with why and whether it may have had its effect all the same", async () => {
    const stage = newStage();
    const { id } = await stage.client.enqueue(noteJob, { n: 1 });
    stage.start([
      scripted("a", [failing("ambiguous", "timeout")]),
      scripted("b", [failing("ambiguous", "timeout")]),
    ]);
    expect(await stage.client.result(id)).toMatchObject({
      state: "dead",
      dead: { cause: "ambiguous", effect: "maybe", reason: expect.stringContaining("timeout") },
    });
  });

  test("nothing, for an id that nobody enqueued", async () => {
    const stage = newStage();
    await stage.client.enqueue(noteJob, { n: 1 });
    expect(await stage.client.status("note-unheard-of")).toEqual({ id: "note-unheard-of", state: "absent" });
  });

  test("the state at the end of its patience, when the job takes longer", async () => {
    const stage = newStage();
    const { id } = await stage.client.enqueue(noteJob, { n: 1 });
    expect(await stage.client.result(id, { timeoutMs: 30 })).toMatchObject({ state: "waiting" });
  });

  test("never the payload", async () => {
    const stage = newStage();
    const { id } = await stage.client.enqueue(noteJob, { n: 424_242 });
    expect(JSON.stringify(await stage.client.status(id))).not.toContain("424242");
  });
});
