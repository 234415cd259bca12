import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

import { until } from "@understudy/testkit";
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, beforeEach, describe, expect, onTestFinished, test } from "vitest";

import { hasChromium, launch, windowOf } from "./testing/browser.ts";
import { type Answer, delivered, failing, scripted } from "./testing/jobs.ts";
import { newStage, PASSWORD, type Stage } from "./testing/stage.ts";

const isAbsent = !hasChromium;

describe.skipIf(isAbsent)(
  `in a browser${isAbsent ? " (skipped: there is no Chromium on this machine)" : ""}`,
  () => {
    let stage: Stage;
    let browser: Browser;
    let alpha: () => Answer;
    beforeAll(async () => {
      stage = await newStage();
      browser = await launch();
      alpha = refuse;
      stage.serve([scripted("alpha", () => alpha()), scripted("beta", delivered)]);
      await stage.announce({ "note.send": ["alpha", "beta"], "note.pay": ["alpha"] });
    }, 60_000);
    afterAll(async () => {
      await browser?.close();
      await stage?.close();
    });

    beforeEach(() => {
      alpha = refuse;
    });

    const refuse = (): Answer => failing("rejected", "http_400", "no such mailbox");

    /** A page of somebody who has signed in; what the browser complains of is a failure. */
    async function pageOf(
      role: Parameters<Stage["as"]>[0],
      look: Parameters<typeof windowOf>[3] = {},
    ): Promise<Page> {
      const context = await windowOf(browser, stage.url, await stage.as(role), look);
      const page = await context.newPage();
      const complaints: string[] = [];
      page.on("console", (message) => message.type() === "error" && complaints.push(message.text()));
      page.on("pageerror", (error) => complaints.push(error.message));
      onTestFinished(async () => {
        await context.close();
        // A page that answers 4xx on purpose is told as an error, too.
        expect(
          complaints.filter((words) => !words.includes("the server responded with a status of")),
        ).toEqual([]);
      });
      return page;
    }

    test("somebody signs in, finds a dead letter, plans, redrives it to the backup and watches it complete", async () => {
      const id = await stage.dies("note", { topic: "the one" });
      const context = await browser.newContext({ baseURL: stage.url });
      context.setDefaultTimeout(5000);
      onTestFinished(() => context.close());
      const page = await context.newPage();
      await page.goto(`/dead-letters`);
      await page.getByLabel("Name").fill("operator");
      await page.getByLabel("Password").fill(PASSWORD);
      await page.getByRole("button", { name: "Sign in" }).click();
      await page.waitForURL("**/dead-letters");
      await page.getByLabel("Text").fill("the one");
      await page.keyboard.press("Enter");
      await page
        .getByRole("row", { name: new RegExp(id.slice(-8), "u") })
        .getByRole("link")
        .click();
      await expect(page.getByRole("heading", { level: 1 }).textContent()).resolves.toBe(id);
      await page.getByRole("link", { name: "Redrive" }).click();
      await page.getByLabel("Provider").selectOption("beta");
      await page.getByLabel("Reason").fill("alpha refuses what beta takes");
      await page.getByRole("button", { name: "Redrive" }).click();
      await page.waitForURL(`**/jobs/${id}`);
      // Without a reload: the server pushes it.
      await page.getByText("completed").first().waitFor();
      await page.getByText("alpha refuses what beta takes").waitFor();
      expect(await stage.placeOf(id)).toBe("completed");
    });

    test("all that match are planned, started by typing the count, and watched to the end", async () => {
      await Promise.all(["1", "2", "3"].map((n) => stage.dies("note", { topic: `many ${n}` })));
      const page = await pageOf("operator");
      await page.goto("/dead-letters?job=note");
      await page.getByRole("link", { name: /^Plan all/u }).click();
      await page.getByRole("heading", { name: "What a redrive would do" }).waitFor();
      const { total } = await stage.operator.plan({ filter: { job: ["note"] } });
      alpha = delivered;
      await page.getByLabel("Reason").fill("mended");
      await page.getByLabel(/Type how many/u).fill(String(total));
      await page.getByRole("button", { name: new RegExp(`redrive ${total}`, "iu") }).click();
      await page.waitForURL("**/dead-letters/runs/*");
      await page.getByText("done", { exact: true }).waitFor();
      expect(await page.getByRole("progressbar").getAttribute("value")).toBe(String(total));
    });

    test("the overview is live, and keeps the focus where it is", async () => {
      const page = await pageOf("operator");
      await page.goto("/");
      const pause = page.getByRole("link", { name: "Pause notes" });
      await pause.waitFor();
      await pause.focus();
      await stage.operator.pauseQueue("notes", { by: { name: "ada", role: "admin" }, reason: "x" });
      await page.getByText("paused").first().waitFor();
      await stage.operator.resumeQueue("notes", { by: { name: "ada", role: "admin" }, reason: "x" });
      await page.getByText("paused").first().waitFor({ state: "detached" });
      expect(await page.evaluate("document.activeElement.textContent")).toContain("notes");
    });

    test("a provider is held off with a click and a reason, and the overview shows it without a reload", async () => {
      const page = await pageOf("operator");
      await page.goto("/");
      await page.getByRole("link", { name: "Isolate alpha for note.send" }).click();
      await page.getByText("not even with a probe").waitFor();
      await page.getByLabel("For how long").selectOption("4 hours");
      await page.getByLabel("Reason").fill("it drops mails");
      await page.getByRole("button", { name: "Isolate" }).click();
      await page.waitForURL(/\/$/u);
      await page.getByText("alpha note.send: isolated by operator").waitFor();
      await stage.operator.restore(
        { provider: "alpha" },
        { by: { name: "ada", role: "admin" }, reason: "x" },
      );
      await page.getByText("alpha note.send: isolated by operator").waitFor({ state: "detached" });
      const strip = page.getByRole("img", { name: /isolated/u });
      await strip.waitFor();
      expect(await strip.getAttribute("aria-label")).toMatch(/^closed 59 min.*, isolated \d+ m?s$/u);
    });

    test("the keyboard is enough: / to the filter, j and k along the lines, Enter opens, ? helps", async () => {
      const id = await stage.dies("note", {});
      const page = await pageOf("operator");
      await page.goto(`/dead-letters?text=${id}`);
      await page.keyboard.press("/");
      expect(await page.evaluate("document.activeElement.name")).toBe("text");
      await page.keyboard.press("Escape");
      await page.keyboard.press("?");
      await page.getByRole("dialog").waitFor();
      await page.keyboard.press("Escape");
      await page.keyboard.press("j");
      await page.keyboard.press("x");
      expect(await page.getByRole("checkbox").first().isChecked()).toBe(true);
      await page.keyboard.press("Enter");
      await page.waitForURL(`**/dead-letters/${id}`);
    });

    test("script in data and errors does not run", async () => {
      const script = `<img src=x onerror="document.title='owned'"><script>document.title='owned'</script>`;
      alpha = () => failing("rejected", "http_400", script);
      const id = await stage.dies("note", { topic: script });
      alpha = refuse;
      const page = await pageOf("operator");
      for (const path of [
        "/",
        "/dead-letters",
        `/dead-letters/${id}`,
        `/jobs/${id}`,
        `/board/queue/notes.dead/${id}`,
      ]) {
        await page.goto(path);
        await page.waitForLoadState("networkidle").catch(() => undefined);
        expect([path, await page.title()]).not.toEqual([path, "owned"]);
      }
    });

    test("Bull Board works under our policy: it says what we refuse, and its Retry is ours", async () => {
      const id = await stage.dies("note", { topic: "by the board" });
      const page = await pageOf("operator");
      await page.goto("/board/queue/notes.dead?status=failed");
      await page.getByText(id).waitFor();
      await page.getByRole("button", { name: "Clean all" }).click();
      await page.getByRole("button", { name: "Confirm" }).click();
      await page.getByText(/Dead letters are evidence/u).waitFor();
      expect(await stage.placeOf(id)).toBe("dead");
      alpha = delivered;
      await page.getByRole("button", { name: "Retry all" }).click();
      await page.getByRole("button", { name: "Confirm" }).click();
      await until("it completed", async () => (await stage.placeOf(id)) === "completed");
    });

    const axe = readFileSync(fileURLToPath(import.meta.resolve("axe-core/axe.min.js")), "utf8");
    const looks = (["light", "dark"] as const).flatMap((colorScheme) =>
      [1280, 360].map((width) => ({ colorScheme, width })),
    );
    test.each(looks)(
      "every page is accessible, and none scrolls sideways: $colorScheme, $width px wide",
      async (look) => {
        const id = await stage.dies("note", { topic: "seen by axe" });
        alpha = () => failing("ambiguous", "timeout");
        const held = await stage.dies("pay", {});
        alpha = refuse;
        const page = await pageOf("admin", look);
        const [run] = await stage.operator.runs();
        const ada = {
          by: { name: "ada", role: "admin" },
          reason: "slow since noon, says their status page",
        } as const;
        await stage.circuit({ state: { at: "open", until: Date.now() + 60_000 }, reason: "failure_rate" });
        await stage.operator.direct({ verb: "divert", provider: "beta", forMs: 7_200_000 }, ada);
        for (const path of [
          "/",
          "/dead-letters",
          "/dead-letters?cause=nonsense",
          "/dead-letters?text=nothing-like-it",
          `/dead-letters/${id}`,
          `/dead-letters/${held}`,
          `/dead-letters/${id}/redrive`,
          `/dead-letters/${id}/edit`,
          `/dead-letters/${held}/release`,
          "/dead-letters/plan",
          "/dead-letters/plan?action=discard",
          "/dead-letters/runs",
          `/dead-letters/runs/${run?.id ?? "none"}`,
          "/dead-letters/absent-1",
          `/jobs/${id}`,
          "/audit",
          "/queues/notes/pause",
          "/providers/alpha/isolate?capability=note.send",
          "/providers/beta/restore",
          "/sign-in",
        ]) {
          await page.goto(path);
          expect([path, await page.evaluate(axe).then(() => violations(page))]).toEqual([path, []]);
          const excess = await page.evaluate(
            "document.documentElement.scrollWidth - document.documentElement.clientWidth",
          );
          expect([path, excess]).toEqual([path, 0]);
        }
      },
      120_000,
    );
  },
);

interface Axe {
  run(options: object): Promise<{
    readonly violations: readonly {
      readonly id: string;
      readonly nodes: readonly { readonly html: string }[];
    }[];
  }>;
}

async function violations(page: Page): Promise<readonly string[]> {
  return await page.evaluate(async () => {
    const { violations } = await (globalThis as unknown as { readonly axe: Axe }).axe.run({
      resultTypes: ["violations"],
    });
    return violations.map(
      ({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html.slice(0, 120)).join(" | ")}`,
    );
  });
}
