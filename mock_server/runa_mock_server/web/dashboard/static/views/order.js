// One order and its whole story.

import { get, send } from "../api.js";
import { fill, h, keep, link, table } from "../dom.js";
import { act } from "../frame.js";
import { date, precise, pretty } from "../format.js";
import { badge, button, codeBlock, countdown, facts, field, heading, kindnessesOf } from "../parts.js";
import { requestTable } from "./journal.js";

export const order = {
  title: "Order",
  parts: ["orders", "requests", "emails", "webhooks"],

  open(id, _query, again) {
    const path = `orders/${encodeURIComponent(id)}`;
    const head = heading(`Order ${id}`, `${path}/story`);
    const summary = h("div", { class: "panel" });
    const doing = actions((body) => act(() => send("PATCH", path, body), "Done.").then(again));
    const events = h("ol", { class: "story" });
    const requests = requestTable("Requests about this order", { isOfOne: true });
    const payouts = payoutTable((item, status) =>
      act(() => send("PATCH", path, { payout_status: status, item_id: item }), `The payout is ${status}.`)
        .then(again));
    const document = h("div");
    const element = h(
      "div", {}, head.element, summary, doing.element,
      section("What happened", events),
      section("Payouts", payouts.element),
      section("Requests", requests.element),
      h("details", { class: "panel" }, h("summary", {}, "The order as it is once it has ended"), document),
    );

    async function refresh() {
      const story = await get(`${path}/story`);
      fill(summary, told(story.order, story.requests.find((each) => each.outcome === "created")));
      doing.show(story.order.status);
      keep(events, story.events, () => story.events.map(eventLine));
      payouts.show(story.payouts);
      requests.show(story.requests.toReversed());
      keep(document, story.order.order, (whole) => codeBlock(pretty(JSON.stringify(whole))));
    }

    return { element, refresh };
  },
};

function told(found, placedBy) {
  return facts([
    ["Status", [badge(found.status), " ", countdown(found)]],
    ["Why", found.failure_reason],
    ["Total", `${found.total_price} ${found.currency}`],
    ["Account", found.account],
    ["Created", date(found.created_at)],
    ["Ends", date(found.ends_at)],
    ["Description", found.description],
    ["Kindness", placedBy && placedBy.kindnesses.length + placedBy.offered.length
      ? kindnessesOf(placedBy) : ""],
  ]);
}

function actions(change) {
  const reason = h("input", { maxlength: "1000", placeholder: "out of stock" });
  const element = h(
    "div", { class: "panel actions" },
    button("Complete now", () => change({ status: "COMPLETED" })),
    button("Hold", () => change({ status: "PROCESSING" })),
    field("Reason", reason),
    button("Fail now", () =>
      change({ status: "FAILED", ...(reason.value ? { reason: reason.value } : {}) })),
  );
  return {
    element,
    show: (status) => {
      element.hidden = status !== "PROCESSING";
    },
  };
}

function section(title, ...inner) {
  return h("section", {}, h("h2", {}, title), inner);
}

function eventLine(event) {
  const text = event.request
    ? link(`#/requests/${event.request}`, event.text)
    : event.message ? link(`#/webhooks/${event.message}`, event.text) : event.text;
  return h(
    "li", { class: event.expected ? "expected" : null },
    h("time", {}, precise(event.at) || "open"), badge(event.kind), h("span", {}, text),
    event.expected ? h("span", { class: "faint" }, "still to come") : null,
  );
}

function payoutTable(end) {
  return table({
    caption: "Payouts",
    key: (payout) => payout.item_id,
    columns: [
      { title: "Link", cell: (payout) =>
        payout.opens ? link(payout.url, "Open", { target: "_blank", rel: "noopener" }) : "not yet" },
      { title: "Status", cell: (payout) => badge(payout.opens ? payout.status : "waiting") },
      { title: "Value", class: "number", cell: (payout) => `${payout.face_value} ${payout.currency}` },
      { title: "Products", class: "text", cell: (payout) => payout.products.join(", ") },
      { title: "Recipient", cell: (payout) => payout.recipient ?? "" },
      { title: "Expires", cell: (payout) => payout.expiry_date ?? "never" },
      { title: "", cell: (payout) => payout.opens && payout.status === "ACTIVE" ? [
        button("Cancel", () => end(payout.item_id, "CANCELLED"),
          { "aria-label": `Cancel the payout of ${payout.item_id}` }),
        button("Expire", () => end(payout.item_id, "EXPIRED"),
          { "aria-label": `Let the payout of ${payout.item_id} expire` }),
      ] : "" },
    ],
  });
}
