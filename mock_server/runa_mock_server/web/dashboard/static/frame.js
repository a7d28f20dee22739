// What stands around every view: navigation, the account, the clock, what was said, dialogs.

import { account, chooseAccount, get, send, whenTokenIsNeeded } from "./api.js";
import { fill, h, keep } from "./dom.js";
import { date, speed } from "./format.js";

const byId = (id) => document.getElementById(id);
let clock = null;
let quiet = null;

/** Say something: politely, and gone after a while; problems stay until something else is said. */
export function say(text, isProblem = false) {
  clearTimeout(quiet);
  byId("said").classList.toggle("bad", isProblem);
  fill(byId("said"), text ? h("p", {}, text) : null);
  if (text && !isProblem) quiet = setTimeout(() => say(""), 6_000);
}

export function sayProblem(error) {
  say([error.message, error.help].filter(Boolean).join(" "), true);
}

/** Do something and say how it went. */
export async function act(doing, done) {
  try {
    const result = await doing();
    say(typeof done === "function" ? done(result) : done);
    return result;
  } catch (error) {
    sayProblem(error);
    return null;
  }
}

export function showNavigation(entries) {
  const links = entries.map(([path, title]) => h("li", {}, h("a", { href: `#/${path}` }, title)));
  fill(byId("nav"), h("ul", {}, links));
}

export function markNavigation(path) {
  for (const each of byId("nav").querySelectorAll("a")) {
    const isHere = each.getAttribute("href") === `#/${path}`;
    if (isHere) {
      each.setAttribute("aria-current", "page");
      each.scrollIntoView({ block: "nearest", inline: "nearest" });
    } else each.removeAttribute("aria-current");
  }
}

export function showState(text, isLive) {
  byId("live").classList.toggle("on", isLive);
  if (byId("live").textContent !== text) byId("live").textContent = text;
}

/** The moment by the clock that was read last, as it goes on by itself. */
function present() {
  if (clock === null) return null;
  const passed = (performance.now() - clock.readAt) * clock.speed;
  return { moment: new Date(clock.moment + passed).toISOString(), speed: clock.speed };
}

export function tickClock() {
  const now = present();
  if (now === null) return;
  const text = `${date(now.moment)} · ${speed(now.speed)}`;
  for (const each of document.querySelectorAll("[data-clock]")) {
    if (each.textContent !== text) each.textContent = text;
  }
}

export async function refreshClock() {
  const read = await get("clock");
  clock = { moment: Date.parse(read.now), speed: read.speed, readAt: performance.now() };
  tickClock();
}

export async function refreshAccounts() {
  const { accounts } = await get("accounts", {}, { whole: true });
  const names = accounts.map((each) => each.name);
  if (account() && !names.includes(account())) {
    say(`The account ${account()} is gone; this is about all of them.`);
    chooseAccount("");
  }
  keep(byId("account"), names, () => [
    h("option", { value: "" }, "all accounts"),
    names.map((name) => h("option", { value: name }, name)),
  ]);
  byId("account").value = account();
}

export async function showAbout() {
  const health = await get("health", {}, { whole: true });
  const { kindnesses } = await get("settings", {}, { whole: true });
  const many = Object.keys(kindnesses).length;
  const mode = many === 0 ? "strict" : many === 1 ? "1 kindness" : `${many} kindnesses`;
  fill(byId("about"), `${health.version} · ${health.profile} · `, h("a", { href: "#/settings" }, mode));
}

/** Set up what can be chosen and done in the frame; `changed()` is called after either. */
export function startFrame(changed) {
  document.querySelector(".skip").addEventListener("click", (event) => {
    event.preventDefault(); // the part behind the # names the view
    byId("main").focus();
  });
  byId("account").addEventListener("change", (event) => {
    chooseAccount(event.target.value);
    changed();
  });
  byId("reset").addEventListener("click", async () => {
    const what = account()
      ? `All orders, faults, requests and settings of the account ${account()} are forgotten.`
      : "All accounts, orders, faults, requests and changed settings are forgotten.";
    byId("confirm-text").textContent = `${what} This cannot be undone.`;
    if ((await answer(byId("confirm"))) !== "yes") return;
    await act(() => send("POST", "reset"), (result) => `Done: ${result.done}.`);
    changed();
  });
  whenTokenIsNeeded(async (isWrong) => {
    byId("ask-why").textContent = isWrong ? "That is not the token of this server." : "";
    byId("token").value = "";
    do await answer(byId("ask"));
    while (byId("token").value === "");
    return byId("token").value;
  });
}

/** Show a dialog; which of its buttons was used. */
function answer(dialog) {
  dialog.returnValue = "";
  dialog.showModal();
  return new Promise((done) => {
    dialog.addEventListener("close", () => done(dialog.returnValue), { once: true });
  });
}
