// The catalogue: search, take products on and off sale, add and remove them.

import { get, send } from "../api.js";
import { h, table } from "../dom.js";
import { act, say } from "../frame.js";
import { badge, button, choice, field, heading, pager } from "../parts.js";

const LIMIT = 100;
const TYPING = 250;
const LISTED = 12;

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
    const form = productForm(again);
    const list = productTable({
      change: (product, isOrderable) =>
        act(() => send("PATCH", path(product), { is_orderable: isOrderable }),
          `${product.code} is ${isOrderable ? "on" : "off"} sale.`).then(again),
      copy: (product) => act(() => get(path(product)), "The form below has a copy. Change its code and add it.")
        .then((detail) => detail && form.show(detail.product)),
      remove: (product) => act(() => send("DELETE", path(product)),
        `${product.code} is removed. The form below can add it again.`)
        .then((detail) => detail && form.show(detail.product)).then(again),
    });
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
      list.element, pages.element, form.element);
    return { element, refresh };
  },
};

function path(product) {
  return `products/${encodeURIComponent(product.code)}`;
}

/** A form that adds a product; `show(product)` fills it in. */
function productForm(again) {
  const text = h("textarea", {
    rows: "12", required: true, spellcheck: "false",
    placeholder: "A product as GET /v2/product/{code} shows it. Press Copy at a product to start from it.",
  });
  const add = async (submitted) => {
    submitted.preventDefault();
    let product;
    try {
      product = JSON.parse(text.value);
    } catch (error) {
      say(`The product is not JSON: ${error.message}`, true);
      return;
    }
    const added = await act(() => send("POST", "products", { product }), (detail) => `${detail.code} is added.`);
    if (added !== null) again();
  };
  const element = h("details", { class: "after" }, h("summary", {}, "Add a product"),
    h("form", { onsubmit: add }, field("Product as JSON", text), h("button", {}, "Add product")));
  function show(product) {
    text.value = JSON.stringify(product, null, 2);
    element.open = true;
  }
  return { element, show };
}

function productTable({ change, copy, remove }) {
  return table({
    caption: "Products by code",
    key: (product) => product.code,
    empty: "No product fits.",
    columns: [
      { title: "Code", class: "code", cell: (product) => product.code },
      { title: "Name", class: "text", cell: (product) => product.name },
      { title: "Type", cell: (product) => product.payout_type.replaceAll("_", " ") },
      { title: "Values", class: "text", cell: values },
      { title: "Discount", class: "number", cell: (product) => percent(product.discount_multiplier) },
      { title: "Sale", cell: (product) => badge(product.is_orderable ? "on sale" : "off sale") },
      { title: "", cell: ({ is_orderable: isOrderable, ...product }) => {
        const named = (text, onclick) => button(text, onclick, { "aria-label": `${text}: ${product.code}` });
        return h("div", { class: "doing" },
          named(isOrderable ? "Take off sale" : "Put on sale", () => change(product, !isOrderable)),
          named("Copy", () => copy(product)),
          named("Remove", () => remove(product)));
      } },
    ],
  });
}

/** The face values that can be ordered. */
function values({ currency, denominations, payout_type: payoutType }) {
  if (denominations === null) return payoutType === "subscription" ? `${currency}, prices of its plans` : currency;
  const { type, minimum_value: least, maximum_value: most, available_list: list } = denominations;
  if (type !== "fixed") return `${currency} ${least ?? 0} to ${most ?? "any"}`;
  const listed = list ?? [];
  const more = listed.length > LISTED ? ` and ${listed.length - LISTED} more, up to ${listed.at(-1)}` : "";
  return `${currency} ${listed.slice(0, LISTED).join(", ")}${more}`;
}

function percent(share) {
  return `${Number((Number(share) * 100).toFixed(2))} %`;
}
