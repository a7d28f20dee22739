// The adversary: what a webhook handler has to stand, done to it on purpose.

import { h, keep, table } from "../dom.js";
import { accountColumn, badge, button, choice, field } from "../parts.js";

const TRICKS = [
  ["duplicate", "Duplicate", "The same message twice, with the same id"],
  ["reorder", "Reorder", "Held back until another has overtaken it"],
  ["delay", "Delay", "Signed 10 minutes ago: too old to trust"],
  ["wrong_signature", "Wrong signature", "Signed with a secret that is not yours"],
  ["old_secret", "Old secret", "Signed with the secret before the last rotation"],
  ["reserialised", "Reserialised", "The same JSON in other bytes than were signed"],
  ["early", "Early", "Told before the order is answered"],
];
const TIMES = { 1: 1, 2: 2, 5: 5, always: null };

/** Buttons that arm tricks, and those that are armed; `change` as for the endpoints. */
export function adversary(change) {
  const times = choice([["1", "once"], ["2", "twice"], ["5", "5 times"], ["always", "always"]], "1");
  const target = h("select");
  const arm = (kind) => {
    const only = target.value === "" || kind === "early" ? {} : { endpoint_id: target.value };
    return change("POST", "webhooks/adversary", { kind, times: TIMES[times.value], ...only },
      (trick) => `${trick.id} is armed.`);
  };
  const list = trickTable((id) =>
    change("DELETE", `webhooks/adversary/${id}`, undefined, `${id} is removed.`));
  const clear = button("Remove all tricks", () =>
    change("DELETE", "webhooks/adversary", undefined, (result) => `Tricks: ${result.done}.`));
  const element = h(
    "section", {}, h("h2", {}, "The adversary"),
    h("div", { class: "panel" },
      h("div", { class: "row" }, field("To the next message for", target), field("Done", times)),
      h("div", { class: "presets" }, TRICKS.map(([kind, title, text]) =>
        h("button", { type: "button", onclick: () => arm(kind) }, h("b", {}, title), h("span", {}, text))))),
    list.element, h("div", { class: "row after" }, clear),
  );

  function show(tricks, endpoints) {
    const chosen = target.value;
    const known = endpoints.map(({ id, url }) => [id, url]);
    keep(target, known, () =>
      [["", "any endpoint"], ...known].map(([value, text]) => h("option", { value }, text)));
    target.value = known.some(([id]) => id === chosen) ? chosen : "";
    list.show(tricks);
    clear.hidden = tricks.length === 0;
  }

  return { element, show };
}

function trickTable(remove) {
  return table({
    caption: "Tricks",
    key: (trick) => trick.id,
    empty: "No trick is armed: messages are told as they should be.",
    columns: [
      { title: "Trick", cell: (trick) => trick.id },
      { title: "State", cell: (trick) => badge(trick.armed ? "armed" : "spent") },
      { title: "What", cell: (trick) => trick.kind },
      { title: "Struck", class: "number", cell: (trick) => `${trick.struck} of ${trick.times ?? "any"}` },
      { title: "Only to", class: "text", cell: (trick) => trick.endpoint_id ?? "" },
      accountColumn("everybody"),
      { title: "", cell: (trick) =>
        button("Remove", () => remove(trick.id), { "aria-label": `Remove ${trick.id}` }) },
    ],
  });
}
