// The journal: requests that fit some filters, newest first.

import { get } from "../api.js";
import { fill, h, link, table } from "../dom.js";
import { time } from "../format.js";
import { accountColumn, badge, choice, faultsOf, field, heading, kindnessesOf, pager, shortOrderLink, told } from "../parts.js";

const LIMIT = 100;
const FILTERS = ["method", "path", "status", "outcome", "idempotency_key", "fault"];
const METHODS = ["GET", "POST", "PATCH", "PUT", "DELETE", "HEAD", "OPTIONS"];
const OUTCOMES = ["created", "replayed", "refused"];
const TYPING = 250;

/** A table of requests, or of those about one order; bodies are left to the view of one. */
export function requestTable(caption, { isOfOne = false } = {}) {
  return table({
    caption,
    key: (request) => request.number,
    empty: "No request fits.",
    columns: [
      { title: "No.", class: "number", cell: (request) =>
        link(`#/requests/${request.number}`, String(request.number)) },
      { title: "Time", cell: (request) => h("time", { datetime: request.at, title: request.at }, time(request.at)) },
      { title: "Told", cell: (request) => told(request.status) },
      { title: "Method", cell: (request) => request.method },
      { title: "Path", class: "code text path", cell: (request) =>
        request.path + (request.query ? `?${request.query}` : "") },
      { title: "Outcome", cell: (request) => request.outcome
        ? badge(request.outcome) : request.error_type ?? "" },
      { title: "Faults", cell: (request) => faultsOf(request) },
      { title: "Kindness", cell: (request) => kindnessesOf(request) },
      { title: "Key", class: "code text", cell: (request) => request.idempotency_key ?? "" },
      isOfOne ? null : { title: "Order", cell: (request) => shortOrderLink(request.order_id) },
      isOfOne ? null : accountColumn("none"),
    ],
  });
}

export const journal = {
  title: "Requests",
  parts: ["requests"],

  open(_id, query, again) {
    const wanted = Object.fromEntries(FILTERS.map((name) => [name, query.get(name) ?? ""]));
    let before = "";
    const head = heading("Requests", "requests");
    const list = requestTable("Requests, newest first");
    const pages = pager((cursor) => {
      before = cursor ?? "";
      again();
    });
    const counts = h("p", { class: "counts" });
    let typing = null;

    function look(name, value) {
      wanted[name] = value.trim();
      before = "";
      const given = new URLSearchParams(Object.entries(wanted).filter(([, each]) => each !== ""));
      history.replaceState(null, "", `#/requests${given.size ? `?${given}` : ""}`);
      clearTimeout(typing);
      typing = setTimeout(again, TYPING);
    }

    const text = (name, more = {}) =>
      h("input", { value: wanted[name], oninput: (event) => look(name, event.target.value), ...more });
    const words = (name, values) => choice(
      [["", "any"], ...values.map((each) => [each, each])], wanted[name],
      { onchange: (event) => look(name, event.target.value) },
    );
    const filters = h(
      "div", { class: "filters" },
      field("Method", words("method", METHODS)),
      field("Path", text("path", { placeholder: "/v2/order/*" })),
      field("Told", text("status", { placeholder: "any; 0: nothing", inputmode: "numeric", size: "8" })),
      field("Outcome", words("outcome", OUTCOMES)),
      field("Key", text("idempotency_key")),
      field("Fault", text("fault", { placeholder: "F-1, or * for any", size: "14" })),
    );

    async function refresh() {
      const asked = { ...wanted, before, brief: true, limit: LIMIT };
      head.name(asked);
      const found = await get("requests", asked);
      const rows = found.requests.toReversed();
      list.show(rows);
      fill(counts, Object.entries(found.by_status).map(([status, many]) => [told(Number(status)), ` ×${many} `]));
      pages.show({
        cursor: rows.at(-1)?.number,
        isFirst: before === "",
        hasMore: found.total > rows.length,
        text: `${rows.length} shown of ${found.total} that fit`
          + (found.dropped ? `; the journal has forgotten ${found.dropped}` : ""),
      });
    }

    return { element: h("div", {}, head.element, filters, counts, list.element, pages.element), refresh };
  },
};
