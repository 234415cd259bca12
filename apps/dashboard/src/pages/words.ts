import { html } from "ghtml";

import type { Session } from "../sign-in/sessions.ts";
import { layout } from "./layout.ts";

interface Words {
  readonly status: number;
  readonly words: string;
  /** Instead of what the status says. */
  readonly title?: string;
  readonly session?: Session | undefined;
  /** What one can do about it: where a link leads, and its words. */
  readonly way?: { readonly href: string; readonly words: string };
  /** Seconds after which the browser asks again. */
  readonly again?: number;
}

const titles: Readonly<Record<number, string>> = {
  400: "That cannot be done",
  401: "Sign in first",
  403: "Not permitted",
  404: "There is no such page",
  409: "Nothing was done",
  429: "Too many tries",
  502: "Sign-in is out of order",
  503: "Redis does not answer",
};

/** A page that says one thing. */
export function wordsPage({ status, words, title: own, session, way, again }: Words): string {
  const title = own ?? titles[status] ?? "Something went wrong";
  const { href, words: label } = way ?? { href: "/", words: "Overview" };
  const main = html`<div class="words">
    <h1>${title}</h1>
    <p>${words}</p>
    <p><a class="button" href="${href}">${label}</a></p>
  </div>`;
  return layout({ title, main, session, ...(again === undefined ? {} : { again: { after: again } }) });
}

/** Goes on from a page of ours, so that the browser brings the session along. */
export function hopPage(href: string): string {
  const main = html`<div class="words">
    <p>One moment … <a href="${href}">go on</a></p>
  </div>`;
  return layout({ title: "One moment", main, again: { after: 0, href } });
}
