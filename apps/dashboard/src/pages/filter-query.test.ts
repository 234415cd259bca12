import { describe, expect, test } from "vitest";

import { filterQuery, filterWords, parseFilter } from "./filter-query.ts";

const now = Date.parse("2026-11-24T12:00:00Z");

describe("a filter", () => {
  test("is read from an address and written back to the same", () => {
    const query = {
      queue: ["email", "payments"],
      cause: "rejected",
      provider: "sendgrid",
      code: "http_503",
      text: " ada ",
      group: "g1",
      effect: "none",
    };
    const { filter, problems } = parseFilter(query, now);
    expect(problems).toEqual([]);
    expect(filter).toEqual({
      queue: ["email", "payments"],
      cause: ["rejected"],
      provider: ["sendgrid"],
      code: ["http_503"],
      group: ["g1"],
      effect: ["none"],
      text: "ada",
    });
    const back = new URLSearchParams(filterQuery(filter));
    expect(parseFilter({ ...Object.fromEntries(back), queue: back.getAll("queue") }, now).filter).toEqual(
      filter,
    );
  });

  test.each([
    ["15m", "2026-11-24T11:45:00Z"],
    ["2h", "2026-11-24T10:00:00Z"],
    ["7d", "2026-11-17T12:00:00Z"],
    ["2026-11-23", "2026-11-23T00:00:00Z"],
    ["2026-11-23 05:30", "2026-11-23T05:30:00Z"],
    ["2026-11-23T05:30Z", "2026-11-23T05:30:00Z"],
    ["2026-11-23T05:30+02:00", "2026-11-23T03:30:00Z"],
  ])("from=%s is %s", (from, at) => {
    expect(parseFilter({ from }, now)).toEqual({ filter: { from: Date.parse(at) }, problems: [] });
  });

  test("that is empty is no filter", () => {
    expect(parseFilter({ queue: "", text: "  ", from: "" }, now)).toEqual({ filter: {}, problems: [] });
    expect(filterQuery({})).toBe("");
    expect(filterWords({})).toBe("all dead letters");
  });

  test("names everything that is wrong, and keeps the rest", () => {
    const { filter, problems } = parseFilter(
      { cause: ["rejected", "x"], from: "soon", to: "1h", job: "note" },
      now,
    );
    expect(filter).toEqual({ to: now - 3_600_000, job: ["note"] });
    expect(problems).toHaveLength(2);
  });
});
