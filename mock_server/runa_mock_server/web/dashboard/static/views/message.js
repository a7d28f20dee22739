// One webhook message: what it tells, and every attempt to tell it.

import { get, send } from "../api.js";
import { h, keep, table } from "../dom.js";
import { act } from "../frame.js";
import { date, precise, pretty } from "../format.js";
import { badge, button, codeBlock, facts, heading, orderLink } from "../parts.js";

export const message = {
  title: "Webhook message",
  parts: ["webhooks"],

  open(id, _query, again) {
    const path = `webhooks/messages/${encodeURIComponent(id)}`;
    const resend = (body) => act(() => send("POST", `${path}/resend`, body), "It is sent again.").then(again);
    const head = heading(`Message ${id}`, path, button("Send again to all", () => resend({})));
    const body = h("div");

    async function refresh() {
      keep(body, await get(path), (found) => [
        h("div", { class: "panel" }, facts([
          ["Event", found.event], ["Order", orderLink(found.order_id)], ["Product", found.product_code],
          ["Created", date(found.created_at)], ["Account", found.account ?? "everybody"],
        ])),
        found.deliveries.map((to) => delivery(to, () => resend({ endpoint_id: to.endpoint_id }))),
        h("section", {}, h("h2", {}, "Payload"), codeBlock(pretty(found.payload))),
      ]);
    }

    return { element: h("div", {}, head.element, body), refresh };
  },
};

function delivery(to, resend) {
  const attempts = table({
    caption: `Attempts at ${to.url}`,
    key: (each) => each.number,
    empty: "Not attempted yet.",
    columns: [
      { title: "At", cell: (each) => precise(each.at) },
      { title: "Answer", class: "text", cell: (each) => each.status ?? each.error },
      { title: "Took", class: "number", cell: (each) => `${each.duration_ms} ms` },
      { title: "On purpose", cell: (each) => each.adversary.map((trick) => h("span", { class: "badge bad" }, trick)) },
      { title: "Body", class: "code text", cell: (each) => each.response },
    ],
  });
  attempts.show(to.attempts.map((each, at) => ({ ...each, number: at + 1 })));
  return h("section", {}, h("h2", {}, `To ${to.url}`),
    h("div", { class: "row" },
      badge(to.state), to.next_attempt_at ? h("span", {}, `next attempt ${date(to.next_attempt_at)}`) : null,
      button("Send again", resend, { "aria-label": `Send again to ${to.endpoint_id}` })),
    attempts.element);
}
