import type { Outcome } from "@understudy/core";
import { familyOf, type Fetched } from "@understudy/queue";
import { expect, test } from "vitest";

import type { RuntimeEvent } from "./events.ts";
import type { Run } from "./run.ts";
import { tellFailover } from "./tell.ts";

const delivered = (provider: string): Outcome => ({
  kind: "delivered",
  receipt: {},
  final: true,
  provider,
  at: 0,
  durationMs: 1,
});
const down = (provider: string): Outcome => ({
  kind: "unavailable",
  code: "http_503",
  provider,
  at: 0,
  durationMs: 1,
});

test.each([
  ["the backup stood in", [down("a"), delivered("b")], undefined, ["a"]],
  ["the first delivered", [delivered("a")], undefined, undefined],
  ["nobody delivered", [down("a"), down("b")], undefined, undefined],
  ["the backup was only kept warm", [delivered("b")], "b", undefined],
  [
    "the backup failed while it was kept warm, and the primary did its own work",
    [down("b"), delivered("a")],
    "b",
    undefined,
  ],
  ["more than the warmed one failed", [down("b"), down("a"), delivered("c")], "b", ["b", "a"]],
])("a failover is told when %s, if it was one", (_, trail, warmed, from) => {
  const events: RuntimeEvent[] = [];
  const run = {
    family: familyOf("email"),
    fetched: { id: "job-1", name: "welcome-email" } as Fetched,
    observe: (event: RuntimeEvent) => void events.push(event),
  } as unknown as Run;
  tellFailover(trail, warmed, run);
  expect(events.map((event) => event.event === "failover" && event.from)).toEqual(
    from === undefined ? [] : [from],
  );
});
