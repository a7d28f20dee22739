// Faults: to be armed with one click, those that are, and those that are spent.

import { get, send } from "../api.js";
import { h, table } from "../dom.js";
import { act } from "../frame.js";
import { accountColumn, badge, button, choice, field, heading } from "../parts.js";

const PRESETS = [
  ["Reset before", "The connection is reset, nothing was stored", { kind: "reset", place: "before" }],
  ["Reset after commit", "Stored, but the client never hears", { kind: "reset", place: "after_commit" }],
  ["Hang", "No answer until the client gives up", { kind: "hang" }],
  ["503 Retry-After", "Unavailable, try again in 2 s", { kind: "status", status: 503, retry_after: 2 }],
  ["504 after commit", "Stored, but the gateway gave up", { kind: "status", status: 504, place: "after_commit" }],
  ["429", "Too many requests, try again in 1 s", { kind: "rate_limit", retry_after: 1 }],
  ["Malformed JSON", "Stored, but the answer is cut", { kind: "malformed_json" }],
  ["Slow body", "The body comes in drops for 5 s", { kind: "slow", delay: 5 }],
  ["Late answer", "The answer comes 5 s late", { kind: "delay", delay: 5 }],
];
const TARGETS = {
  orders: { method: "POST", path: "/v2/order" },
  reads: { method: "GET" },
  all: {},
};
const TIMES = { 1: 1, 2: 2, 5: 5, always: null };

export const faults = {
  title: "Faults",
  parts: ["faults"],

  open(_id, _query, again) {
    const head = heading("Faults", "faults", button("Remove all", () =>
      act(() => send("DELETE", "faults"), (result) => `${result.done}.`).then(again)));
    const target = choice([["orders", "POST /v2/order"], ["reads", "any GET"], ["all", "any request"]], "orders");
    const times = choice([["1", "once"], ["2", "twice"], ["5", "5 times"], ["always", "always"]], "1");
    const own = h("textarea", { rows: "3", spellcheck: "false", placeholder: '{"kind": "close", "place": "in_body", "share": 0.5}' });
    const arm = (spec) => act(() => send("POST", "faults", spec), (fault) => `${fault.id} is armed.`).then(again);
    const preset = (spec) => arm({ ...spec, ...TARGETS[target.value], times: TIMES[times.value] });
    const list = faultTable((id) => act(() => send("DELETE", `faults/${id}`), `${id} is removed.`).then(again));
    const element = h(
      "div", {}, head.element,
      h("section", { class: "panel" }, h("h2", {}, "Arm one"),
        h("div", { class: "row" }, field("The next", target), field("Strikes", times)),
        h("div", { class: "presets" }, PRESETS.map(([title, text, spec]) =>
          h("button", { type: "button", onclick: () => preset(spec) }, h("b", {}, title), h("span", {}, text)))),
        h("details", {}, h("summary", {}, "Any other, as JSON"),
          field("Fault", own),
          button("Arm", () => act(async () => JSON.parse(own.value), "").then((spec) => spec && arm(spec))))),
      h("section", {}, h("h2", {}, "Armed and spent"), list.element),
    );

    async function refresh() {
      list.show((await get("faults")).faults);
    }

    return { element, refresh };
  },
};

function faultTable(remove) {
  return table({
    caption: "Faults, armed ones first",
    key: (fault) => fault.id,
    empty: "No fault is armed: everything works. Click one above, then let your client order something.",
    columns: [
      { title: "Fault", cell: (fault) => h("a", { href: `#/requests?fault=${fault.id}` }, fault.id) },
      { title: "State", cell: (fault) => badge(fault.armed ? "armed" : "spent") },
      { title: "What", class: "text", cell: (fault) => described(fault.spec) },
      { title: "Fits", class: "code text", cell: (fault) => fits(fault.spec) },
      { title: "Struck", class: "number", cell: (fault) => `${fault.struck} of ${fault.matched}` },
      accountColumn("everybody"),
      { title: "", cell: (fault) => button("Remove", () => remove(fault.id), { "aria-label": `Remove ${fault.id}` }) },
    ],
  });
}

const WHOM = ["method", "path", "idempotency_key"];

function described({ kind, place, ...rest }) {
  const more = Object.entries(rest)
    .filter(([name]) => !WHOM.includes(name))
    .map(([name, value]) => `${name} ${value === null ? "any" : JSON.stringify(value)}`);
  return [`${kind} ${place}`, ...more].join(", ");
}

function fits(spec) {
  return WHOM.map((name) => spec[name]).filter(Boolean).join(" ") || "any request";
}
