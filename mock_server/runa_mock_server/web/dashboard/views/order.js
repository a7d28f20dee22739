// One order and its whole story.

import { get, getIfThere, send } from "../api.js";
import { fill, h, keep, link, table } from "../dom.js";
import { act } from "../frame.js";
import { date, precise, pretty } from "../format.js";
import { badge, button, codeBlock, countdown, facts, field, heading } from "../parts.js";
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
      const [story, hooks] = await Promise.all([
        get(`${path}/story`),
        getIfThere("webhooks/messages", { order_id: id }),
      ]);
      fill(summary, told(story.order));
      doing.show(story.order.status);
      const happened = [...story.events, ...(hooks?.messages ?? []).flatMap(hookEvents)];
      keep(events, happened, () => inOrder(happened).map(eventLine));
      payouts.show(story.payouts);
      requests.show(story.requests.toReversed());
      keep(document, story.order.order, (whole) => codeBlock(pretty(JSON.stringify(whole))));
    }

    return { element, refresh };
  },
};

function told(found) {
  return facts([
    ["Status", [badge(found.status), " ", countdown(found)]],
    ["Why", found.failure_reason],
    ["Total", `${found.total_price} ${found.currency}`],
    ["Account", found.account],
    ["Created", date(found.created_at)],
    ["Ends", date(found.ends_at)],
    ["Description", found.description],
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

function inOrder(events) {
  // Those without a moment come last; equal moments stay as they were.
  return events.toSorted((one, other) => place(one) - place(other));
}

function place(event) {
  return event.at === null ? Infinity : Date.parse(event.at);
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

/** The events of a webhook message, each attempt one; a message without receiver is one, too. */
function hookEvents(message) {
  const event = (at, text, expected = false) => ({ at, kind: "webhook", text, expected, message: message.id });
  if (message.deliveries.length === 0) {
    return [event(message.created_at, `${message.event}: nobody is subscribed`)];
  }
  return message.deliveries.flatMap((delivery) => [
    ...delivery.attempts.map((attempt) =>
      event(attempt.at, `${message.event} to ${delivery.url}: ${attempt.status ?? attempt.error}`)),
    ...(delivery.next_attempt_at
      ? [event(delivery.next_attempt_at, `${message.event} to ${delivery.url}`, true)] : []),
  ]);
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
