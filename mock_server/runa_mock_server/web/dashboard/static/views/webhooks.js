// Webhooks: who is subscribed, what was told, how that went, and what is done to it on purpose.

import { get, send } from "../api.js";
import { h, keep, table } from "../dom.js";
import { act } from "../frame.js";
import { date } from "../format.js";
import { accountColumn, badge, heading, shortOrderLink } from "../parts.js";
import { adversary } from "./adversary.js";
import { EVENTS, endpointForm, endpointTable } from "./endpoints.js";

const LIMIT = 100;

export const webhooks = {
  title: "Webhooks",
  parts: ["webhooks"],

  open(_id, _query, again) {
    const head = heading("Webhooks", "webhooks/messages");
    const change = (method, path, body, done) => act(() => send(method, path, body), done).then(again);
    const endpoints = endpointTable(change);
    const messages = messageTable();
    const tricks = adversary(change);
    const unheard = h("div");
    const count = h("p", { class: "faint" });
    const element = h(
      "div", {}, head.element, unheard,
      h("section", {}, h("h2", {}, "Endpoints"), endpoints.element, endpointForm(change)),
      h("section", {}, h("h2", {}, "Messages"), messages.element, count),
      tricks.element,
    );

    async function refresh() {
      head.name({ limit: LIMIT });
      const [hooks, sent, armed] = await Promise.all([
        get("webhooks/endpoints"), get("webhooks/messages", { limit: LIMIT }), get("webhooks/adversary"),
      ]);
      const alone = EVENTS.filter((event) => hooks.subscribed[event] === 0);
      keep(unheard, alone, () => alone.map((event) => h("p", { class: "notice" },
        `Nobody is subscribed to ${event}: it is told to no one.`)));
      endpoints.show(hooks.endpoints);
      messages.show(sent.messages);
      tricks.show(armed.tricks, hooks.endpoints);
      count.textContent = `${sent.messages.length} shown of ${sent.total}`
        + (sent.dropped ? `; ${sent.dropped} older ones are forgotten` : "");
    }

    return { element, refresh };
  },
};

function messageTable() {
  return table({
    caption: "Messages, newest first",
    key: (each) => each.id,
    empty: "No message yet: one is made when an event happens that somebody is subscribed to.",
    columns: [
      { title: "Message", cell: (each) =>
        h("a", { class: "code", href: `#/webhooks/${each.id}`, title: each.id }, `…${each.id.slice(-8)}`) },
      { title: "Event", cell: (each) => each.event },
      { title: "About", cell: (each) => shortOrderLink(each.order_id) || each.product_code },
      { title: "At", cell: (each) => date(each.created_at) },
      { title: "Deliveries", cell: (each) => h("div", {}, each.deliveries.map(way)) },
      accountColumn("everybody"),
    ],
  });
}

/** How the message fares on its way to one endpoint. */
function way(delivery) {
  const last = delivery.attempts.at(-1);
  const many = delivery.attempts.length;
  const heard = last ? `, last ${last.status ?? "no answer"}` : "";
  return h("div", {}, badge(delivery.state), ` ${many === 1 ? "1 attempt" : `${many} attempts`}${heard}`);
}
