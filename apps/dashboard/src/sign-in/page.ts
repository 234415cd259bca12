import { html } from "ghtml";

import { layout } from "../pages/layout.ts";

interface SignIn {
  readonly csrf: string;
  readonly next: string;
  readonly hasUsers: boolean;
  readonly hasOidc: boolean;
  readonly problem?: string;
  readonly name?: string;
}

export function signInPage({ csrf, next, hasUsers, hasOidc, problem, name = "" }: SignIn): string {
  const query = next === "/" ? "" : `?next=${encodeURIComponent(next)}`;
  const form = html`<form method="post" action="/sign-in">
    <input type="hidden" name="csrf" value="${csrf}" /><input type="hidden" name="next" value="${next}" />
    <label for="name">Name</label>
    <input
      id="name"
      name="name"
      value="${name}"
      autocomplete="username"
      required
      autofocus
      autocapitalize="none"
      spellcheck="false"
    />
    <label for="password">Password</label>
    <input id="password" name="password" type="password" autocomplete="current-password" required />
    <button class="primary">Sign in</button>
  </form>`;
  const oidc = html`<p>
    <a class="button wide" href="/sign-in/oidc${query}">Sign in with your organisation</a>
  </p>`;
  const neither = html`<p>Sign in with the link that the dashboard printed when it started.</p>`;
  const main = html`<div class="sign-in">
    <h1>Sign in</h1>
    !${problem === undefined ? "" : html`<p class="problem" role="alert">${problem}</p>`}
    !${hasUsers ? form : ""} !${hasOidc ? oidc : ""} !${hasUsers || hasOidc ? "" : neither}
  </div>`;
  return layout({ title: "Sign in", main });
}
