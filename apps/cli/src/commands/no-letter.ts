import { Complaint, exitCodes } from "../exit.ts";

export function noLetter(id: string): Complaint {
  return new Complaint(
    `There is no dead letter ${id}; where that job is, is told by: understudy jobs explain ${id}`,
    exitCodes.leftAlone,
  );
}
