import { accessSync, constants } from "node:fs";
import { join } from "node:path";

import { type Browser, type BrowserContext, chromium } from "playwright-core";

import type { Visitor } from "./stage.ts";

const names = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome"];

/** On the PATH, or where CHROMIUM says; undefined when this machine has none. */
export const chromiumPath = [
  ...(process.env["CHROMIUM"] === undefined ? [] : [process.env["CHROMIUM"]]),
  ...(process.env["PATH"] ?? "").split(":").flatMap((folder) => names.map((name) => join(folder, name))),
].find(isExecutable);

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

export async function launch(): Promise<Browser> {
  if (chromiumPath === undefined) throw new Error("there is no Chromium on this machine");
  return await chromium.launch({ executablePath: chromiumPath, args: ["--no-sandbox", "--disable-gpu"] });
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
