import { createRequire } from "node:module";

import { type Role, roles } from "@understudy/operator";
import { describe, expect, test } from "vitest";

import { buttonsFor, decideOnBoard } from "./policy.ts";

interface Route {
  readonly method: string;
  readonly route: string | readonly string[];
}

const { appRoutes } = createRequire(import.meta.url)("@bull-board/api/dist/routes.js") as {
  readonly appRoutes: { readonly api: readonly Route[] };
};
/** Everything with which Bull Board changes something. */
const changes = appRoutes.api
  .filter(({ method }) => method !== "get")
  .flatMap(({ method, route }) =>
    [route].flat().map((one) => ({ method: method.toUpperCase(), route: one })),
  );

const kinds = [true, false].flatMap((isDead) => [true, false].map((isMoney) => ({ isDead, isMoney })));

function by(role: Role, change: (typeof changes)[number], queue: (typeof kinds)[number]): string {
  return decideOnBoard({ ...change, role, queue }).by;
}

describe("of all that the pinned Bull Board can change", () => {
  test("there is something", () => {
    expect(changes.length).toBeGreaterThan(15);
  });

  test("it does itself only what an administrator may, on live queues without money", () => {
    const theirs = roles.flatMap((role) =>
      kinds.flatMap((queue) =>
        changes.some((change) => by(role, change, queue) === "theirs") ? [{ role, ...queue }] : [],
      ),
    );
    expect(theirs).toEqual([{ role: "admin", isDead: false, isMoney: false }]);
  });

  test("a viewer may nothing", () => {
    const everything = changes.filter(({ route }) => route.includes(":queueName"));
    for (const queue of kinds)
      for (const change of everything) expect(by("viewer", change, queue)).toBe("nobody");
  });

  test.each(["/add", "/clean/:queueStatus", "/:jobId/clean", "/obliterate", "/:jobId/update-data"])(
    "%s harms evidence, and is refused on any queue, whoever asks",
    (route) => {
      const change = changes.find((one) => one.route === `/api/queues/:queueName${route}`);
      if (change === undefined) throw new Error(`the pinned board has no ${route}`);
      for (const queue of kinds) expect(by("admin", change, queue)).toBe("nobody");
    },
  );

  test("what is not known here is refused", () => {
    const queue = { isDead: false, isMoney: false };
    expect(by("admin", { method: "POST", route: "/api/queues/:queueName/something-new" }, queue)).toBe(
      "nobody",
    );
    expect(decideOnBoard({ method: "PUT", route: "/api/queues/:queueName/empty", role: "admin" }).by).toBe(
      "nobody",
    );
  });
});

test("buttons are shown to those who may press one of them", () => {
  expect(buttonsFor("viewer", { isDead: true, isMoney: false }).readOnlyMode).toBe(true);
  expect(buttonsFor("operator", { isDead: true, isMoney: true }).readOnlyMode).toBe(true);
  expect(buttonsFor("operator", { isDead: true, isMoney: false })).toMatchObject({
    readOnlyMode: false,
    allowRetries: true,
  });
  expect(buttonsFor("admin", { isDead: false, isMoney: true }).readOnlyMode).toBe(true);
  expect(buttonsFor("admin", { isDead: false, isMoney: false })).toMatchObject({
    readOnlyMode: false,
    allowRetries: false,
  });
});
