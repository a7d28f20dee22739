// Which view is shown, and when it is read again.

import {
  markNavigation, refreshAccounts, refreshClock, sayProblem, showAbout, showNavigation, showState,
  startFrame, tickClock,
} from "./frame.js";
import { listen } from "./live.js";
import { tickCountdowns } from "./parts.js";
import { catalogue } from "./views/catalogue.js";
import { clock } from "./views/clock.js";
import { coverage } from "./views/coverage.js";
import { emails } from "./views/emails.js";
import { faults } from "./views/faults.js";
import { journal } from "./views/journal.js";
import { message } from "./views/message.js";
import { order } from "./views/order.js";
import { orders } from "./views/orders.js";
import { request } from "./views/request.js";
import { settings } from "./views/settings.js";
import { webhooks } from "./views/webhooks.js";

// A view has a title, names the parts of the server that it shows, and `open(id, query, again)`
// makes it: an element, and `refresh()`, which reads it anew. What changes as time goes by,
// as mails leave, is looked at every `pause` milliseconds.
const VIEWS = [
  ["orders", orders, order],
  ["requests", journal, request],
  ["clock", clock],
  ["faults", faults],
  ["emails", emails],
  ["webhooks", webhooks, message],
  ["products", catalogue],
  ["coverage", coverage],
  ["settings", settings],
];

// At most two reads a second, and if they are slow a tenth of the time: a busy server stays quick.
const SHORTEST_PAUSE = 500;
const LONGEST_PAUSE = 2_000;
const SHARE = 10;
const TICK = 250;

const main = document.getElementById("main");
let shown = null;
let isWanted = false;
let isReading = false;
let timer = null;
let allowedAt = 0;
let readAt = 0;
let frameParts = new Set();

function open() {
  const [path, text] = location.hash.replace(/^#\/?/, "").split("?");
  const [name, id] = path.split("/");
  const found = VIEWS.find(([each]) => each === name) ?? VIEWS[0];
  const view = id && found[2] ? found[2] : found[1];
  const { element, refresh } = view.open(decodeURIComponent(id ?? ""), new URLSearchParams(text), again);
  shown = { view, refresh };
  document.title = `${view.title} · runa-mock`;
  markNavigation(found[0]);
  main.replaceChildren(element);
  allowedAt = 0;
  again();
}

/** Have the view read anew, as soon as it may be. */
function again() {
  isWanted = true;
  if (isReading || document.hidden) return;
  clearTimeout(timer);
  timer = setTimeout(read, Math.max(0, allowedAt - performance.now()));
}

async function read() {
  isWanted = false;
  isReading = true;
  const { refresh } = shown;
  const start = performance.now();
  try {
    await Promise.all([refreshFrame(), refresh()]);
  } catch (error) {
    if (shown.refresh === refresh) sayProblem(error);
  }
  const took = performance.now() - start;
  const pause = Math.min(LONGEST_PAUSE, Math.max(SHORTEST_PAUSE, SHARE * took));
  if (shown.refresh === refresh) allowedAt = performance.now() + pause;
  isReading = false;
  readAt = performance.now();
  if (isWanted) again();
}

async function refreshFrame() {
  const parts = frameParts;
  frameParts = new Set();
  if (parts.has("accounts")) await refreshAccounts();
  if (parts.has("clock")) await refreshClock();
}

function changed(parts) {
  for (const part of ["accounts", "clock"]) if (parts.has(part)) frameParts.add(part);
  if (frameParts.size || shown.view.parts.some((part) => parts.has(part))) again();
}

function everythingChanged() {
  frameParts = new Set(["accounts", "clock"]);
  open();
}

function tick() {
  if (document.hidden) return;
  tickClock();
  const isStale = shown.view.pause && performance.now() - readAt > shown.view.pause;
  if (tickCountdowns(main) || isStale) again();
}

showNavigation(VIEWS.map(([path, view]) => [path, view.title]));
startFrame(everythingChanged);
addEventListener("hashchange", () => {
  open();
  main.focus();
});
document.addEventListener("visibilitychange", () => {
  if (isWanted) again();
});
setInterval(tick, TICK);
everythingChanged();
showAbout().catch(sayProblem);
listen(changed, showState);
