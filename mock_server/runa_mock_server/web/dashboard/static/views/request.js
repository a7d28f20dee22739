// One entry of the journal, whole.

import { get } from "../api.js";
import { h, keep } from "../dom.js";
import { pretty } from "../format.js";
import { badge, codeBlock, facts, faultsOf, heading, kindnessesOf, orderLink, told } from "../parts.js";

export const request = {
  title: "Request",
  parts: [],

  open(number) {
    const path = `requests/${encodeURIComponent(number)}`;
    const head = heading(`Request ${number}`, path);
    const body = h("div");

    async function refresh() {
      keep(body, await get(path), (entry) => [
        h("div", { class: "panel" }, facts([
          ["Request", h("span", { class: "code" }, `${entry.method} ${entry.path}${entry.query && `?${entry.query}`}`)],
          ["Client was told", told(entry.status)],
          ["Outcome", entry.outcome ? badge(entry.outcome) : "" ],
          ["Error", entry.error_type],
          ["Decided by the rule", entry.rule],
          ["Faults", entry.faults.length ? faultsOf(entry) : ""],
          ["Kindness", entry.kindnesses.length + entry.offered.length ? kindnessesOf(entry) : ""],
          ["Key", entry.idempotency_key],
          ["Order", orderLink(entry.order_id)],
          ["Account", entry.account ?? "none"],
          ["At", entry.at],
        ])),
        part("Headers", Object.entries(entry.headers).map((pair) => pair.join(": ")).join("\n")),
        part("Body", pretty(entry.request_body)),
        part("What the service answered", pretty(entry.response_body)),
      ]);
    }

    return { element: h("div", {}, head.element, body), refresh };
  },
};

function part(title, text) {
  return h("section", {}, h("h2", {}, title), text ? codeBlock(text) : h("p", { class: "faint" }, "empty"));
}
