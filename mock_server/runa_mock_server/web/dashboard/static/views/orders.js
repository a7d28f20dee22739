// The orders, newest first, a page at a time.

import { account, get } from "../api.js";
import { fill, h, table } from "../dom.js";
import { date, time } from "../format.js";
import { accountColumn, badge, choice, countdown, field, heading, orderLink, pager } from "../parts.js";
import { firstOrder } from "./first_order.js";

const LIMIT = 100;

export const orders = {
  title: "Orders",
  parts: ["orders", "requests"],

  open(_id, query, again) {
    const wanted = { status: query.get("status") ?? "", before: "" };
    const head = heading("Orders", "orders");
    const status = choice(
      [["", "any"], ["PROCESSING", "PROCESSING"], ["COMPLETED", "COMPLETED"], ["FAILED", "FAILED"]],
      wanted.status,
      { onchange: (event) => look({ status: event.target.value, before: "" }) },
    );
    const list = table({
      caption: "Orders, newest first",
      key: (order) => order.id,
      empty: "No order fits.",
      columns: [
        { title: "Order", cell: (order) => orderLink(order.id) },
        { title: "Status", cell: (order) => badge(order.status) },
        { title: "Ends", cell: ends },
        { title: "Total", class: "number", cell: (order) => `${order.total_price} ${order.currency}` },
        { title: "Description", class: "text", cell: (order) => order.description ?? "" },
        { title: "Created", cell: (order) =>
          h("time", { datetime: order.created_at, title: order.created_at }, date(order.created_at).slice("2026-".length)) },
        accountColumn("none"),
      ],
    });
    const pages = pager((cursor) => look({ before: cursor ?? "" }));
    const filters = h("div", { class: "filters" }, field("Status", status));
    const start = h("div");
    const body = h("div", {}, filters, list.element, pages.element);

    function look(changes) {
      Object.assign(wanted, changes);
      again();
    }

    async function refresh() {
      const asked = { ...wanted, limit: LIMIT };
      head.name(asked);
      const found = await get("orders", asked);
      const isEmpty = found.total === 0;
      if (isEmpty && !start.hasChildNodes()) fill(start, await firstOrder());
      if (!isEmpty) fill(start);
      body.hidden = isEmpty;
      list.show(found.orders);
      pages.show({
        cursor: found.orders.at(-1)?.id,
        isFirst: asked.before === "",
        hasMore: found.orders.length === LIMIT,
        text: `${found.orders.length} shown of ${found.total} ${account() ? "of this account" : "in all"}`,
      });
    }

    return { element: h("div", {}, head.element, start, body), refresh };
  },
};

function ends(order) {
  if (order.failure_reason) return order.failure_reason;
  if (order.status === "PROCESSING") return countdown(order);
  const isSameDay = order.ends_at.slice(0, 10) === order.created_at.slice(0, 10);
  return isSameDay ? time(order.ends_at).slice(0, 8) : date(order.ends_at);
}
