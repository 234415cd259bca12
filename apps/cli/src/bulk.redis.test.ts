import { welcomeEmail } from "@understudy/jobs";
import { newSpace, type Space, until } from "@understudy/testkit";
import { expect, test } from "vitest";

import { hasTerminal, startCli, startInTerminal } from "./testing/cli.ts";
import { inProcess } from "./testing/in-process.ts";
import { deadLetters, exhausted } from "./testing/letters.ts";

const mail = { to: "ada@example.com", name: "Ada" };
const skipped = hasTerminal ? "" : " (skipped: no script command to make a terminal)";

function envOf({ redisUrl, namespace }: Space): Readonly<Record<string, string>> {
  return { REDIS_URL: redisUrl, NAMESPACE: namespace };
}

async function emails(space: Space): Promise<{ readonly waiting: number; readonly dead: number }> {
  const { out } = await inProcess(["queues", "ls", "--json"], envOf(space));
  const { queues } = JSON.parse(out) as {
    readonly queues: readonly { readonly waiting: number; readonly delayed: number; readonly dead: number }[];
  };
  const [email] = queues;
  return { waiting: (email?.waiting ?? 0) + (email?.delayed ?? 0), dead: email?.dead ?? 0 };
}

test.skipIf(!hasTerminal)(
  `whoever acts on many is shown the plan, says why, and types how many${skipped}`,
  async () => {
    const space = newSpace();
    await deadLetters(space, welcomeEmail, [mail, mail, mail], exhausted);
    const act = ["dead-letters", "redrive", "--all", "--rate", "100"];

    const refusing = startInTerminal(act, envOf(space));
    await until("the plan and the question", () =>
      /3 dead letters.*Type 3 to redrive them/su.test(refusing.out()),
    );
    refusing.child.stdin?.write("4\n");
    expect(await refusing.ended).toMatchObject({
      code: 1,
      out: expect.stringContaining("That is not 3. Nothing was changed."),
    });
    expect(await emails(space)).toEqual({ waiting: 0, dead: 3 });

    const accepting = startInTerminal(act, envOf(space));
    await until("the question", () => accepting.out().includes("Type 3"));
    accepting.child.stdin?.write("3\n");
    await until("the question for the reason", () => accepting.out().includes("Why?"));
    accepting.child.stdin?.write("it is back\n");
    const { code, out } = await accepting.ended;
    expect({ code, out }).toMatchObject({
      code: 0,
      out: expect.stringMatching(/#\]100% 3\/3.*3 of 3 redriven\./su),
    });
    expect(await emails(space)).toEqual({ waiting: 3, dead: 0 });
  },
);

test.skipIf(!hasTerminal)(
  `Ctrl-C at a question ends with status 130 and changes nothing${skipped}`,
  async () => {
    const space = newSpace();
    await deadLetters(space, welcomeEmail, [mail, mail], exhausted);
    const asked = startInTerminal(["dead-letters", "discard", "--all", "--reason", "x"], envOf(space));
    await until("the question", () => asked.out().includes("Type 2"));
    asked.child.stdin?.write("\u0003");
    expect(await asked.ended).toMatchObject({
      code: 130,
      out: expect.stringContaining("nothing was changed"),
    });
    expect(await emails(space)).toEqual({ waiting: 0, dead: 2 });
  },
);

test("Ctrl-C in the middle of a run stops it, tells how to go on, and that goes on to the end", async () => {
  const space = newSpace();
  const many = 12;
  await deadLetters(
    space,
    welcomeEmail,
    Array.from({ length: many }, () => mail),
    exhausted,
  );
  const act = [
    "dead-letters",
    "redrive",
    "--queue",
    "email",
    "--reason",
    "it is back",
    "--yes",
    "--rate",
    "4",
  ];
  const running = startCli(act, envOf(space));
  await until("some are redriven", async () => (await emails(space)).waiting > 1, 20_000);
  running.child.kill("SIGINT");
  const { code, err } = await running.ended;
  expect({ code, err }).toMatchObject({
    code: 130,
    err: expect.stringMatching(/^Stopping …\nStopped after \d+ of 12\./u),
  });
  const [, resume = ""] = /understudy (runs resume \S+)/u.exec(err) ?? [];
  const stopped = await emails(space);
  expect(stopped.waiting + stopped.dead).toBe(many);
  expect(stopped.dead).toBeGreaterThan(0);

  expect(await inProcess(resume.split(" "), envOf(space))).toMatchObject({
    code: 0,
    out: "12 of 12 redriven.\n",
  });
  expect(await emails(space)).toEqual({ waiting: many, dead: 0 });
  expect(await inProcess(resume.split(" "), envOf(space))).toMatchObject({
    code: 0,
    err: expect.stringContaining("done already"),
  });
  expect(await inProcess(["runs", "show", "nope"], envOf(space))).toMatchObject({
    code: 1,
    err: expect.stringContaining("no run nope"),
  });
});

test.skipIf(!hasTerminal)(
  `colours are for terminals, and not for those who want none${skipped}`,
  async () => {
    const env = envOf(newSpace());
    const [coloured, plain, flagged] = await Promise.all([
      startInTerminal(["doctor"], env).ended,
      startInTerminal(["doctor"], { ...env, NO_COLOR: "1" }).ended,
      startInTerminal(["doctor", "--no-color"], env).ended,
    ]);
    expect(coloured.out).toContain("\u001B[32mok");
    expect(plain.out + flagged.out).not.toContain("\u001B");
    for (const line of plain.out.split("\r\n").filter((text) => !text.includes("->")))
      expect(line.length, line).toBeLessThanOrEqual(80);
  },
);
