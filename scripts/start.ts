import { writeFileSync } from "node:fs";
import { parseArgs } from "node:util";

import type { Summary } from "./tour/summary.ts";
import { runTour } from "./tour/tour.ts";

const usage = `npm start                          run the platform on a sandbox, with a tour; Ctrl-C ends it
npm start -- --exit                end after the summary
npm start -- --exit --json FILE    and write the figures to FILE
npm start -- --mails N             how many e-mails the tour sends (300 or more, default 360)`;

const { exit, json, mails } = options();
const quit = new AbortController();
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, () => quit.abort());
try {
  const summary = await runTour({ mails, perSecond: 12, exit, quit });
  if (summary !== undefined && json !== undefined)
    writeFileSync(json, `${JSON.stringify(figures(summary), null, 2)}\n`);
  process.exitCode =
    summary === undefined ? (exit ? 130 : 0) : summary.lost + summary.unlabelledDuplicates === 0 ? 0 : 1;
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
}

function figures({ stillQueued: _, ...rest }: Summary): Omit<Summary, "stillQueued"> {
  return rest;
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
    if (!Number.isInteger(mails) || mails < 300)
      throw new Error("--mails must be a whole number from 300 on.");
    return { exit: values.exit, json: values.json, mails };
  } catch (error) {
    console.error(`${error instanceof Error ? error.message : String(error)}\n\n${usage}`);
    process.exit(2);
  }
}
