import { type Browser, type BrowserContext, chromium } from "playwright-core";
import { inject } from "vitest";

import type { Visitor } from "./stage.ts";

declare module "vitest" {
  interface ProvidedContext {
    /** The test run's own; undefined where this machine has none. */
    readonly chromium: { readonly file: string; readonly env: Readonly<Record<string, string>> } | undefined;
  }
}

const found = inject("chromium");
export const hasChromium: boolean = found !== undefined;

export async function launch(): Promise<Browser> {
  if (found === undefined) throw new Error("there is no Chromium on this machine");
  return await chromium.launch({
    executablePath: found.file,
    args: ["--no-sandbox", "--disable-gpu"],
    env: { ...definedOf(process.env), ...found.env },
  });
}

function definedOf(env: NodeJS.ProcessEnv): Record<string, string> {
  return Object.fromEntries(
    Object.entries(env).filter((entry): entry is [string, string] => entry[1] !== undefined),
  );
}

/** A window of somebody who has signed in. */
export async function windowOf(
  browser: Browser,
  url: string,
  { cookie }: Visitor,
  look: { readonly colorScheme?: "light" | "dark"; readonly width?: number } = {},
): Promise<BrowserContext> {
  const { colorScheme = "light", width = 1280 } = look;
  const context = await browser.newContext({ baseURL: url, colorScheme, viewport: { width, height: 800 } });
  context.setDefaultTimeout(5000);
  const [name = "", value = ""] = cookie.split("=");
  await context.addCookies([{ name, value, url, httpOnly: true, sameSite: "Strict" }]);
  return context;
}
