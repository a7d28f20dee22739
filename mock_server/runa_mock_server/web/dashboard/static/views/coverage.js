// Contract coverage: what requests have met of the contract, and what never.

import { account, get, send } from "../api.js";
import { fill, h, link, table } from "../dom.js";
import { act } from "../frame.js";
import { badge, button, field, heading } from "../parts.js";

export const coverage = {
  title: "Coverage",
  parts: ["requests", "webhooks"],

  open(_id, query, again) {
    const clear = button("Clear", () =>
      act(() => send("DELETE", "coverage", undefined, { whole: true }), "The coverage is empty.").then(again));
    const head = heading("Coverage", "coverage", clear);
    const sum = h("p", { class: "counts" });
    const about = h("p", { class: "faint" });
    const only = h("input", { type: "checkbox", checked: query.has("missing"), onchange: again });
    const places = new Map();
    const areas = h("div");

    async function refresh() {
      const found = await get("coverage");
      clear.hidden = account() !== "";
      about.textContent = account()
        ? "From the requests in this account's journal."
        : "From all requests since the server started; a reset keeps it.";
      fill(sum, h("b", {}, `${found.percent} %`), ` ${found.met} of ${found.total} met `,
        h("meter", { min: 0, max: found.total, value: found.met, "aria-label": "share that was met" }));
      for (const area of found.areas) show(area);
    }

    function show(area) {
      let place = places.get(area.name);
      if (!place) {
        place = { title: h("h2"), list: areaTable(area.name) };
        places.set(area.name, place);
        areas.append(h("section", {}, place.title, place.list.element));
      }
      const title = `${area.name[0].toUpperCase()}${area.name.slice(1)}: ${area.met} of ${area.total}`;
      if (place.title.textContent !== title) place.title.textContent = title;
      place.list.show(area.entries.filter((entry) => !only.checked || entry.times === 0));
    }

    const filters = h("div", { class: "filters" }, field("Only what was never met", only));
    return { element: h("div", {}, head.element, about, sum, filters, areas), refresh };
  },
};

function areaTable(name) {
  return table({
    caption: `Coverage of ${name}`,
    key: (entry) => entry.id,
    empty: "Everything here was met.",
    columns: [
      { title: "Entry", class: "code", cell: (entry) => entry.id },
      { title: "Met", cell: (entry) => badge(entry.times ? "met" : "never") },
      { title: "Times", class: "number", cell: (entry) => entry.times || "" },
      { title: "First by", class: "code text", cell: (entry) => entry.first ? firstBy(entry.first) : "" },
      { title: "What it says", class: "text", cell: (entry) => entry.text },
    ],
  });
}

function firstBy(first) {
  const isRequest = typeof first.number === "number";
  const href = isRequest ? `#/requests/${first.number}` : `#/webhooks/${first.number}`;
  return link(href, isRequest ? `No. ${first.number} ${first.text}` : first.text);
}
