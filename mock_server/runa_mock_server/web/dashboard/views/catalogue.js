// The catalogue: search, and take products in and out of what can be ordered.

import { getIfThere, send } from "../api.js";
import { h, table } from "../dom.js";
import { act } from "../frame.js";
import { badge, button, choice, field, heading, notAvailable } from "../parts.js";

const ALL = 10_000;
const SHOWN = 100;

export const catalogue = {
  title: "Products",
  parts: ["products"],

  open(_id, _query, again) {
    let products = [];
    const head = heading("Products", "products");
    const search = h("input", { type: "search", placeholder: "code or name", oninput: show });
    const orderable = choice([["", "any"], ["true", "can be ordered"], ["false", "cannot"]], "", { onchange: show });
    const missing = h("div", { hidden: true }, notAvailable("Changes of products"));
    const count = h("p", { class: "faint" });
    const list = table({
      caption: "Products by code",
      key: (product) => product.code,
      empty: "No product fits.",
      columns: [
        { title: "Code", class: "code", cell: (product) => product.code },
        { title: "Name", class: "text", cell: (product) => product.name ?? "" },
        { title: "Currency", cell: (product) => product.currency ?? "" },
        { title: "Countries", class: "text", cell: (product) => (product.countries_redeemable_in ?? []).join(", ") },
        { title: "Orderable", cell: (product) => badge(product.is_orderable ? "yes" : "no") },
        { title: "", cell: (product) => button(product.is_orderable ? "Make unorderable" : "Make orderable",
          () => toggle(product), { "aria-label": `${product.is_orderable ? "Make unorderable" : "Make orderable"}: ${product.code}` }) },
      ],
    });
    const body = h("div", {},
      h("div", { class: "filters" }, field("Search", search), field("Orderable", orderable)),
      list.element, count);

    function toggle(product) {
      const path = `products/${encodeURIComponent(product.code)}`;
      const wanted = { is_orderable: !product.is_orderable };
      return act(() => send("PATCH", path, wanted), `${product.code} is changed.`).then(again);
    }

    function show() {
      const words = search.value.trim().toLowerCase();
      const fitting = products.filter((product) =>
        `${product.code} ${product.name ?? ""}`.toLowerCase().includes(words)
        && (orderable.value === "" || String(product.is_orderable) === orderable.value));
      list.show(fitting.slice(0, SHOWN));
      count.textContent = `${Math.min(fitting.length, SHOWN)} shown of ${fitting.length} that fit`;
    }

    async function refresh() {
      const found = await getIfThere("products", { limit: ALL });
      missing.hidden = found !== null;
      body.hidden = !missing.hidden;
      products = found?.products ?? [];
      show();
    }

    return { element: h("div", {}, head.element, missing, body), refresh };
  },
};
