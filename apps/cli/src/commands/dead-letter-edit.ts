import { isDeepStrictEqual } from "node:util";

import type { EditAnswer } from "@understudy/dead-letters";
import type { Who } from "@understudy/operator";
import type { Command } from "commander";

import { editText } from "../editor.ts";
import { Complaint, exitCodes } from "../exit.ts";
import { parsePayload, payloadFlag, readPayload } from "../payload-flag.ts";
import { plain } from "../plain.ts";
import { act, needsProviders, type Session } from "../session.ts";
import { addCommand } from "./group.ts";
import { noLetter } from "./no-letter.ts";
import { type ReasonFlags, reasonFlag } from "./reason.ts";

interface EditFlags extends ReasonFlags {
  readonly payload?: string;
}

export function addEdit(letters: Command): void {
  addCommand(letters, "edit", {
    summary:
      "write another payload into a dead letter, checked against the job's schema; in $EDITOR without --payload",
    examples: [
      'dead-letters edit welcome-email-1f0c --reason "typo in the address"',
      'dead-letters edit welcome-email-1f0c --payload @mended.json --reason "typo in the address"',
    ],
  })
    .argument("<id>", "the job's id")
    .addOption(payloadFlag())
    .addOption(reasonFlag())
    .action(
      act<EditFlags>(async (session, [id = ""], flags) => {
        const who = await session.who(flags);
        const { payload, shown } =
          flags.payload === undefined
            ? await edited(session, id, who)
            : { payload: await readPayload(flags.payload) };
        const answer = await session.operator.edit(id, payload, who, shown === undefined ? {} : { shown });
        session.answer({ id, answer }, () => {
          if (answer === "edited")
            session.terminal.remark(
              `${plain(id)} is edited. Run it with: understudy dead-letters redrive ${plain(id)}`,
            );
          else session.terminal.say(`${id} was left alone. ${whyNot(answer, id)}`);
        });
        return answer === "edited" ? exitCodes.done : exitCodes.leftAlone;
      }, needsProviders),
    );
}

interface Edited {
  readonly payload: unknown;
  /** As everybody is shown it: tells whether somebody else has written it meanwhile. */
  readonly shown?: unknown;
}

/** The real payload is shown to an editor only, and only to whoever may change it. */
async function edited(session: Session, id: string, who: Who): Promise<Edited> {
  if (!session.terminal.isInteractive)
    throw new Complaint("There is no terminal for an editor: give the new payload with --payload.");
  const letter = await session.operator.letter(id);
  if (letter === undefined) throw noLetter(id);
  const stored = await session.operator.payload(id, who);
  if (stored === undefined)
    throw new Complaint(
      `The payload of ${id} cannot be read, so it cannot be edited; discard it, or enqueue it anew.`,
      exitCodes.leftAlone,
    );
  const text = await editText(JSON.stringify(stored.payload, undefined, 2), process.env);
  const payload = parsePayload(text, "the file you edited");
  if (isDeepStrictEqual(payload, stored.payload))
    throw new Complaint("The payload is as it was. Nothing was changed.", exitCodes.leftAlone);
  return { payload, shown: letter.payload };
}

function whyNot(answer: Exclude<EditAnswer, "edited">, id: string): string {
  switch (answer) {
    case "gone":
      return `There is no such dead letter (any more): understudy jobs explain ${id}`;
    case "not_permitted":
      return "You may not.";
    case "changed":
      return `Somebody else has edited it meanwhile; look at it again: understudy dead-letters show ${id}`;
    case "held":
      return `Nobody knows whether it happened, and it must not happen twice; what is edited gets a new key. Look it up first: understudy dead-letters look-up ${id}`;
    case "unreadable":
      return "It cannot be read.";
  }
}
