// The catalogue: search, and take products on and off sale.

import { get, send } from "../api.js";
import { h, table } from "../dom.js";
import { act } from "../frame.js";
import { badge, button, choice, field, heading, pager } from "../parts.js";

const LIMIT = 100;
const TYPING = 250;

export const catalogue = {
  title: "Products",
  parts: ["products"],

  open(_id, _query, again) {
    const wanted = { search: "", is_orderable: "", after: "" };
    const head = heading("Products", "products");
    let typing = null;

    function look(changes) {
      Object.assign(wanted, { after: "", ...changes });
      clearTimeout(typing);
      typing = setTimeout(again, TYPING);
    }

    const search = h("input", {
      type: "search", placeholder: "code or name",
      oninput: (event) => look({ search: event.target.value.trim() }),
    });
    const sale = choice([["", "any"], ["true", "on sale"], ["false", "off sale"]], "",
      { onchange: (event) => look({ is_orderable: event.target.value }) });
    const change = (product, isOrderable) =>
      act(() => send("PATCH", `products/${encodeURIComponent(product.code)}`, { is_orderable: isOrderable }),
        `${product.code} is ${isOrderable ? "on" : "off"} sale.`).then(again);
    const list = productTable(change);
    const pages = pager((after) => look({ after: after ?? "" }), ["First", "Next"]);

    async function refresh() {
      const asked = { ...wanted, limit: LIMIT };
      head.name(asked);
      const found = await get("products", asked);
      list.show(found.products);
      pages.show({
        cursor: found.next_after,
        isFirst: asked.after === "",
        hasMore: found.next_after !== null,
        text: `${found.products.length} shown of ${found.total} that fit`,
      });
    }

    const element = h("div", {}, head.element,
      h("p", { class: "faint" }, "The same for every account; orders that exist stay as they are."),
      h("div", { class: "filters" }, field("Search", search), field("Sale", sale)),
      list.element, pages.element);
    return { element, refresh };
  },
};

function productTable(change) {
  return table({
    caption: "Products by code",
    key: (product) => product.code,
    empty: "No product fits.",
    columns: [
      { title: "Code", class: "code", cell: (product) => product.code },
      { title: "Name", class: "text", cell: (product) => product.name },
      { title: "Type", cell: (product) => product.payout_type.replace("_", " ") },
      { title: "Values", class: "text", cell: values },
      { title: "Discount", class: "number", cell: (product) => percent(product.discount_multiplier) },
      { title: "Sale", cell: (product) => badge(product.is_orderable ? "on sale" : "off sale") },
      { title: "", cell: ({ is_orderable: isOrderable, ...product }) => {
        const text = isOrderable ? "Take off sale" : "Put on sale";
        return button(text, () => change(product, !isOrderable), { "aria-label": `${text}: ${product.code}` });
      } },
    ],
  });
}

/** The face values that can be ordered. */
function values({ currency, denominations }) {
  if (denominations === null) return `${currency}, prices of its plans`;
  const { type, minimum_value: least, maximum_value: most, available_list: list } = denominations;
  if (type === "open") return `${currency} ${least ?? 0} to ${most ?? "any"}`;
  return `${currency} ${(list ?? []).join(", ")}`;
}

function percent(share) {
  return `${Number((Number(share) * 100).toFixed(2))} %`;
}
