/** What somebody may do, from least to most; each may do what those before it may. */
export const roles = ["viewer", "operator", "money-operator", "admin"] as const;
export type Role = (typeof roles)[number];

/** Who acts. Everything that is changed is written down with it. */
export interface Actor {
  /** A user's name, or how a program is known: "ada", "cli:ada@ops-1". */
  readonly name: string;
  readonly role: Role;
}

export type Action =
  | "view"
  | "redrive"
  | "look-up"
  | "release"
  | "discard"
  | "edit"
  | "read-payload"
  | "pause-queue"
  | "resume-queue"
  | "divert"
  | "prefer"
  | "isolate"
  | "restore"
  | "enqueue"
  | "cancel"
  | "stop-run";

/** Which role an action asks for; where the effect must not happen twice, more than for mail. */
const needed: Readonly<Record<Action, { readonly usual: Role; readonly money: Role }>> = {
  view: { usual: "viewer", money: "viewer" },
  redrive: { usual: "operator", money: "money-operator" },
  "look-up": { usual: "operator", money: "operator" },
  release: { usual: "operator", money: "money-operator" },
  discard: { usual: "operator", money: "money-operator" },
  edit: { usual: "operator", money: "money-operator" },
  "read-payload": { usual: "operator", money: "money-operator" },
  "pause-queue": { usual: "operator", money: "money-operator" },
  "resume-queue": { usual: "operator", money: "money-operator" },
  divert: { usual: "operator", money: "money-operator" },
  prefer: { usual: "operator", money: "money-operator" },
  isolate: { usual: "operator", money: "money-operator" },
  restore: { usual: "operator", money: "money-operator" },
  enqueue: { usual: "operator", money: "money-operator" },
  cancel: { usual: "operator", money: "money-operator" },
  "stop-run": { usual: "operator", money: "operator" },
};

/** @param isMoney whether it concerns jobs whose effect must not happen twice */
export function may(role: Role, action: Action, isMoney: boolean): boolean {
  return roles.indexOf(role) >= roles.indexOf(roleFor(action, isMoney));
}

/** A run goes on in the name of whoever began it, so it takes somebody who might have begun it. */
export function mayResume(role: Role, run: { readonly action: Action; readonly role: Role }): boolean {
  return may(role, run.action, false) && roles.indexOf(role) >= roles.indexOf(run.role);
}

export function isAction(word: string): word is Action {
  return Object.hasOwn(needed, word);
}

export function roleFor(action: Action, isMoney: boolean): Role {
  return needed[action][isMoney ? "money" : "usual"];
}
