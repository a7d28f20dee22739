// Pieces that several views are made of.

import { account, address } from "./api.js";
import { h, link } from "./dom.js";
import { span } from "./format.js";

const TONES = {
  COMPLETED: "good", ACTIVE: "good", created: "good", delivered: "good", sent: "good", relayed: "good",
  request: "good", met: "good", "on sale": "good", enabled: "good",
  FAILED: "bad", CANCELLED: "bad", failed: "bad", EXPIRED: "bad", fault: "bad",
  PROCESSING: "wait", pending: "wait", waiting: "wait", armed: "wait", replay: "wait", "off sale": "wait",
  disabled: "wait",
};

/** A state as a word; its colour says nothing that the word does not. */
export function badge(text) {
  return h("span", { class: `badge ${TONES[text] ?? "plain"}` }, text);
}

/** What a client was told, by the kind of status that it is. */
export function told(status) {
  if (status === null || status === 0) return h("span", { class: "badge bad" }, "nothing");
  const tone = status < 300 ? "good" : status < 500 ? "wait" : "bad";
  return h("span", { class: `badge ${tone}` }, status);
}

export function orderLink(id) {
  return id ? link(`#/orders/${id}`, id, { class: "code" }) : "";
}

/** A link to an order where it is not the point: the end of an id tells enough. */
export function shortOrderLink(id) {
  return id ? link(`#/orders/${id}`, `…${id.slice(-8)}`, { class: "code", title: id }) : "";
}

/** The column that says whose a thing is, where that is not clear anyway. */
export function accountColumn(nobody) {
  return account() ? null : { title: "Account", cell: (row) => row.account ?? nobody };
}

export function faultsOf(request) {
  return request.faults.map((hit) => h("span", { class: "badge bad" }, `${hit.id} ${hit.kind} ${hit.place}`));
}

/** The kindnesses of the mock that a request needed, then those that it was merely offered. */
export function kindnessesOf(request) {
  return [
    ...request.kindnesses.map((name) => h("span", { class: "badge wait" }, name)),
    ...request.offered.map((name) => h("span", { class: "badge" }, `${name} (offered)`)),
  ];
}

export function button(text, onclick, given = {}) {
  return h("button", { type: "button", onclick, ...given }, text);
}

export function field(text, input) {
  return h("label", {}, text, " ", input);
}

export function choice(values, chosen = "", given = {}) {
  const options = values.map(([value, text]) => h("option", { value, selected: value === chosen }, text));
  return h("select", given, options);
}

/** The heading of a view, with the control call that gives the same as JSON. */
export function heading(title, path, ...more) {
  const twin = h("a", { class: "twin", title: "The same from the control API" }, "JSON");
  const element = h("div", { class: "heading" }, h("h1", {}, title), twin, more);
  const name = (query) => twin.setAttribute("href", address(path, query));
  name();
  return { element, name };
}

/** Seconds that count down by themselves, as long as the element is shown. */
export function countdown(order) {
  if (order.status !== "PROCESSING") return "";
  if (order.reads_left !== null) return `${order.reads_left} reads left`;
  if (order.remaining === null) return "on hold";
  if (order.wait === null) return `${span(order.remaining)} (clock stands)`;
  const until = performance.now() + order.wait * 1_000;
  const pace = order.wait > 0 ? order.remaining / order.wait : 1;
  return h("span", { class: "countdown", "data-until": until, "data-pace": pace }, span(order.remaining));
}

/** Let every countdown go on; true if one has come to its end. */
export function tickCountdowns(within) {
  let isOver = false;
  for (const each of within.querySelectorAll("[data-until]")) {
    const left = (each.dataset.until - performance.now()) / 1_000;
    each.textContent = left > 0 ? span(left * each.dataset.pace) : "now";
    if (left <= 0) {
      delete each.dataset.until;
      isOver = true;
    }
  }
  return isOver;
}

export function codeBlock(text) {
  return h("pre", { tabindex: "0" }, h("code", {}, text));
}

/** Text to copy, with a button that does it. */
export function copyable(text) {
  const block = codeBlock(text);
  const copy = button("Copy", async () => {
    try {
      await navigator.clipboard.writeText(text);
      copy.textContent = "Copied";
    } catch {
      // Pages without TLS have no clipboard: mark the text, so that a key press copies it.
      getSelection().selectAllChildren(block);
      copy.textContent = "Marked: press Ctrl+C";
    }
  });
  return h("div", { class: "copyable" }, block, copy);
}

export function facts(pairs) {
  const shown = pairs.filter(([, value]) => value !== null && value !== undefined && value !== "");
  return h("dl", { class: "facts" }, shown.map(([name, value]) => [h("dt", {}, name), h("dd", {}, value)]));
}

/** Buttons to the pages of a list: `turn(cursor)` shows one, null the first. */
export function pager(turn, [first, next] = ["Newest", "Older"]) {
  let last = null;
  const back = button(first, () => turn(null));
  const on = button(next, () => turn(last));
  const count = h("span", { class: "faint" });
  const element = h("div", { class: "pager" }, back, on, count);
  function show({ cursor, isFirst, hasMore, text }) {
    last = cursor;
    back.disabled = isFirst;
    on.disabled = !hasMore;
    count.textContent = text;
  }
  return { element, show };
}
