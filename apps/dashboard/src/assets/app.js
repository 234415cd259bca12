// Everything works without this; with it pages are live, and the keyboard is enough.
"use strict";

const all = (selector, root = document) => [...root.querySelectorAll(selector)];

/* Live parts: the server sends HTML by the id of the element that holds it. */

/** Makes `old` like `fresh` in place, so that focus, ticks and open details stay. */
function morph(old, fresh) {
  const kept = [...old.childNodes];
  const wanted = [...fresh.childNodes];
  wanted.forEach((node, index) => {
    const mine = kept[index];
    if (mine === undefined) old.append(node);
    else if (mine.nodeType !== node.nodeType || mine.nodeName !== node.nodeName) mine.replaceWith(node);
    else if (node.nodeType !== Node.ELEMENT_NODE) {
      if (mine.data !== node.data) mine.data = node.data;
    } else {
      morphAttributes(mine, node);
      morph(mine, node);
    }
  });
  for (const node of kept.slice(wanted.length)) node.remove();
}

function morphAttributes(old, fresh) {
  for (const { name, value } of fresh.attributes)
    if (old.getAttribute(name) !== value) old.setAttribute(name, value);
  for (const name of old.getAttributeNames())
    if (!fresh.hasAttribute(name) && name !== "open" && !(name === "class" && old.classList.contains("at")))
      old.removeAttribute(name);
}

const state = document.querySelector("[data-live-state]");

function sayState(words, isLost) {
  if (state === null) return;
  state.hidden = false;
  if (state.textContent !== words) state.textContent = words;
  state.classList.toggle("lost", isLost);
}

function listen(url) {
  const source = new EventSource(url);
  source.addEventListener("message", ({ data }) => {
    sayState("live", false);
    for (const [id, html] of Object.entries(JSON.parse(data))) {
      const fresh = document.createElement("template");
      fresh.innerHTML = html;
      const old = document.getElementById(id);
      if (old !== null) morph(old, fresh.content);
    }
  });
  source.addEventListener("trouble", ({ data }) => sayState(JSON.parse(data).words, true));
  source.addEventListener("ended", () => {
    source.close();
    location.reload();
  });
  source.addEventListener("error", () => sayState("connection lost", true));
}

const { live } = document.body.dataset;
if (live !== undefined) listen(live);

/* Times that say how long ago it was. */
const spans = [
  [86_400, "d"],
  [3600, "h"],
  [60, "min"],
];

function ago(ms) {
  const s = Math.floor(ms / 1000);
  if (s < 1) return "just now";
  if (s < 60) return `${s} s ago`;
  const [unit, word] = spans.find(([size]) => s >= size);
  return `${Math.floor(s / unit)} ${word} ago`;
}

setInterval(() => {
  for (const time of all("time[data-ago]")) {
    const ms = Date.now() - Date.parse(time.dateTime);
    if (ms > 0 && time.textContent !== ago(ms)) time.textContent = ago(ms);
  }
}, 1000);

/* Copy as a command. */
for (const button of all("[data-copy]")) button.hidden = false;
async function copy(button) {
  await navigator.clipboard.writeText(button.dataset.copy);
  button.textContent = "Copied";
  setTimeout(() => (button.textContent = "Copy"), 1500);
}
document.addEventListener("click", ({ target }) => {
  const button = target.closest?.("[data-copy]");
  if (button) void copy(button);
});

/* Ticks. */
function countTicks() {
  const place = document.querySelector("[data-ticked]");
  const ticked = all("#ticked input[name=id]:checked").length;
  if (place !== null) place.textContent = ticked === 0 ? "" : `(${ticked})`;
}
document.addEventListener("change", countTicks);
countTicks();

/* Keyboard. */
const pages = { o: "/", d: "/dead-letters", r: "/dead-letters/runs", a: "/audit", b: "/board" };
let wasG = false;

function move(step) {
  const rows = all("[data-row]");
  if (rows.length === 0) return;
  const at = rows.findIndex((row) => row.classList.contains("at"));
  rows[at]?.classList.remove("at");
  const row = rows[Math.min(rows.length - 1, Math.max(0, at + step))];
  row.classList.add("at");
  row.querySelector("a, input, button")?.focus({ preventScroll: true });
  row.scrollIntoView({ block: "nearest" });
}

const keys = {
  "/": () => document.querySelector("[data-filter]")?.focus(),
  "?": () => document.getElementById("help")?.showModal(),
  j: () => move(1),
  k: () => move(-1),
  x: () => document.querySelector(".at input[type=checkbox]")?.click(),
  Enter: () => document.querySelector(".at a[href]")?.click(),
};

document.addEventListener("keydown", (event) => {
  const { key, target } = event;
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  if (target.matches("input:not([type=checkbox]), select, textarea")) {
    if (key === "Escape") target.blur();
    return;
  }
  if (key === "Enter" && target.matches("a, button, summary")) return;
  if (wasG && key in pages) location.assign(pages[key]);
  wasG = key === "g";
  if (!(key in keys) || document.querySelector("dialog[open]") !== null) return;
  event.preventDefault();
  keys[key]();
});
