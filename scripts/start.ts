import { accessSync, constants, existsSync, statSync, writeFileSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { parseArgs } from "node:util";

import type { Summary } from "./tour/summary.ts";
import { runTour } from "./tour/tour.ts";

const usage = `npm start                          run the platform on a sandbox, with a tour; Ctrl-C ends it
npm start -- --exit                end after the summary
npm start -- --exit --json FILE    and write the figures to FILE
npm start -- --mails N             how many e-mails the tour sends (300 to 900, default 360)`;

const { exit, json, mails } = options();
const quit = new AbortController();
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, () => quit.abort());
// Whoever read along is gone (npm start | head).
process.stdout.on("error", () => quit.abort());
try {
  const summary = await runTour({ mails, perSecond: 12, exit, quit, onSummary: write });
  process.exitCode =
    summary === undefined ? (exit ? 130 : 0) : summary.lost + summary.unlabelledDuplicates === 0 ? 0 : 1;
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
}

function write({ stillQueued: _, ...figures }: Summary): void {
  if (json === undefined) return;
  writeFileSync(json, `${JSON.stringify(figures, null, 2)}\n`);
  console.log(`The figures are in ${json}.`);
}

function options(): { readonly exit: boolean; readonly json: string | undefined; readonly mails: number } {
  try {
    const { values } = parseArgs({
      options: {
        exit: { type: "boolean", default: false },
        json: { type: "string" },
        mails: { type: "string", default: "360" },
        help: { type: "boolean", default: false },
      },
    });
    if (values.help) {
      console.log(usage);
      process.exit(0);
    }
    const mails = Number(values.mails);
    // More could not be over within the minute and a half that --exit promises.
    if (!Number.isInteger(mails) || mails < 300 || mails > 900)
      throw new Error("--mails must be a whole number from 300 to 900.");
    if (values.json !== undefined) checkWritable(values.json);
    return { exit: values.exit, json: values.json, mails };
  } catch (error) {
    console.error(`${error instanceof Error ? error.message : String(error)}\n\n${usage}`);
    process.exit(2);
  }
}

/** Told before the tour, not after it. */
function checkWritable(file: string): void {
  if (file === "") throw new Error("--json needs the name of a file.");
  const folder = dirname(resolve(file));
  if (!existsSync(folder)) throw new Error(`--json: there is no folder ${folder}. Make it, or name another.`);
  if (existsSync(file) && statSync(file).isDirectory())
    throw new Error(`--json: ${file} is a folder. Name a file in it.`);
  try {
    accessSync(existsSync(file) ? file : folder, constants.W_OK);
  } catch {
    throw new Error(`--json: ${file} cannot be written. Name a file that can.`);
  }
}
