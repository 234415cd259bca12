import { html } from "ghtml";

import { assetUrl } from "../assets.ts";
import type { Session } from "../sign-in/sessions.ts";

export interface Page {
  readonly title: string;
  /** HTML, escaped already. */
  readonly main: string;
  readonly session?: Session | undefined;
  /** Which entry of the menu it belongs to. */
  readonly at?: (typeof menu)[number]["href"];
  /** Asks again, or goes on elsewhere, after so many seconds. */
  readonly again?: { readonly after: number; readonly href?: string };
  /** Where its live parts come from. */
  readonly live?: string;
}

const menu = [
  { href: "/", label: "Overview" },
  { href: "/dead-letters", label: "Dead letters" },
  { href: "/dead-letters/runs", label: "Runs" },
  { href: "/audit", label: "Audit" },
  { href: "/board", label: "Board" },
] as const;

let environment: string | undefined;

/** Shown on every page from now on. */
export function nameEnvironment(name: string | undefined): void {
  environment = name;
}

export function layout({ title, main, session, at, again, live }: Page): string {
  const refresh =
    again === undefined ? "" : `${again.after}${again.href === undefined ? "" : `; url=${again.href}`}`;
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<title>${title} · Understudy</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="dark light">
<meta name="robots" content="noindex">
!${again === undefined ? "" : html`<meta http-equiv="refresh" content="${refresh}" />`}
<link rel="icon" type="image/svg+xml" href="${assetUrl("icon.svg")}">
<link rel="stylesheet" href="${assetUrl("style.css")}">
<script src="${assetUrl("app.js")}" defer></script>
</head>
<body!${live === undefined ? "" : html` data-live="${live}"`}>
<a class="skip" href="#main">Skip to the content</a>
<header class="top">
<a class="brand" href="/"><span class="mark" aria-hidden="true"></span>Understudy</a>
!${environment === undefined ? "" : html`<span class="environment">${environment}</span>`}
!${session === undefined ? "" : menuOf(session, at)}
</header>
<main id="main">!${main}</main>
!${session === undefined ? "" : helpDialog}
</body>
</html>`;
}

function menuOf({ name, role, csrf }: Session, at: string | undefined): string {
  const links = menu.map(
    ({ href, label }) => html`<a href="${href}" !${href === at ? ' aria-current="page"' : ""}>${label}</a>`,
  );
  return html`<nav aria-label="Pages">!${links}</nav>
    <div class="who">
      <span class="live" data-live-state hidden></span><span>${name} <small>${role}</small></span>
      <form method="post" action="/sign-out">
        <input type="hidden" name="csrf" value="${csrf}" /><button class="quiet">Sign out</button>
      </form>
    </div>`;
}

const helpDialog = html`<dialog id="help" aria-labelledby="help-title">
  <h2 id="help-title">Keyboard</h2>
  <dl class="keys">
    <dt><kbd>/</kbd></dt>
    <dd>to the filter</dd>
    <dt><kbd>j</kbd> <kbd>k</kbd></dt>
    <dd>next, previous line</dd>
    <dt><kbd>Enter</kbd></dt>
    <dd>open the line</dd>
    <dt><kbd>x</kbd></dt>
    <dd>tick the line</dd>
    <dt><kbd>g</kbd> then <kbd>o</kbd> <kbd>d</kbd> <kbd>r</kbd> <kbd>a</kbd> <kbd>b</kbd></dt>
    <dd>to a page of the menu</dd>
    <dt><kbd>?</kbd></dt>
    <dd>this help</dd>
  </dl>
  <form method="dialog"><button>Close</button></form>
</dialog>`;
