// Webhooks: who is subscribed, what was to be told, and how that went.

import { get, getIfThere, send } from "../api.js";
import { fill, h, keep, table } from "../dom.js";
import { act } from "../frame.js";
import { date, pretty } from "../format.js";
import {
  accountColumn, badge, button, choice, codeBlock, facts, field, heading, notAvailable, orderLink,
  shortOrderLink,
} from "../parts.js";

const EVENTS = ["order.completion", "product.update"];
const LIMIT = 100;

export const webhooks = {
  title: "Webhooks",
  parts: ["webhooks"],
  pause: 2_000,

  open(_id, _query, again) {
    const head = heading("Webhooks", "webhooks/messages");
    const change = (method, path, body, done) => act(() => send(method, path, body), done).then(again);
    const endpoints = endpointTable(change);
    const messages = messageTable();
    const unheard = h("div");
    const missing = h("div", { hidden: true }, notAvailable("Webhooks"));
    const count = h("p", { class: "faint" });
    const body = h(
      "div", {}, unheard,
      h("section", {}, h("h2", {}, "Endpoints"), endpoints.element, newEndpoint(change)),
      h("section", {}, h("h2", {}, "Messages"), messages.element, count),
    );

    async function refresh() {
      head.name({ limit: LIMIT });
      const [hooks, sent] = await Promise.all([
        getIfThere("webhooks/endpoints"), getIfThere("webhooks/messages", { limit: LIMIT }),
      ]);
      missing.hidden = hooks !== null && sent !== null;
      body.hidden = !missing.hidden;
      if (body.hidden) return;
      const alone = EVENTS.filter((event) => !hooks.subscribed?.[event]);
      keep(unheard, alone, () => alone.map((event) => h("p", { class: "notice" },
        `Nobody is subscribed to ${event}: its messages go nowhere.`)));
      endpoints.show(hooks.endpoints);
      messages.show(sent.messages);
      count.textContent = `${sent.messages.length} shown of ${sent.total}`
        + (sent.dropped ? `; ${sent.dropped} older ones are forgotten` : "");
    }

    return { element: h("div", {}, head.element, missing, body), refresh };
  },
};

function endpointTable(change) {
  const at = (endpoint) => `webhooks/endpoints/${endpoint.id}`;
  return table({
    caption: "Endpoints",
    key: (endpoint) => endpoint.id,
    empty: "No endpoint is subscribed to anything.",
    columns: [
      { title: "Endpoint", class: "code", cell: (each) => each.id },
      { title: "Address", class: "text", cell: (each) => each.url },
      { title: "Event", cell: (each) => each.event },
      { title: "State", cell: (each) => each.disabled
        ? badge("disabled") : each.failing_since ? badge("failed") : badge("ACTIVE") },
      { title: "Secret", class: "code text", cell: (each) => each.secret },
      accountColumn("everybody"),
      { title: "", cell: (each) => [
        button(each.disabled ? "Enable" : "Disable",
          () => change("PATCH", at(each), { disabled: !each.disabled }, "Done.")),
        button("New secret", () => change("POST", `${at(each)}/rotate`, {}, "It has a new secret.")),
        button("Remove", () => change("DELETE", at(each), undefined, "The endpoint is removed.")),
      ] },
    ],
  });
}

function newEndpoint(change) {
  const url = h("input", { type: "url", required: true, placeholder: "http://127.0.0.1:9000/hook" });
  const event = choice(EVENTS.map((each) => [each, each]));
  const subscribe = (submitted) => {
    submitted.preventDefault();
    change("POST", "webhooks/endpoints", { url: url.value, event: event.value }, "Subscribed.");
  };
  return h("form", { class: "row", onsubmit: subscribe },
    field("Address", url), field("Event", event), h("button", {}, "Subscribe"));
}

function messageTable() {
  return table({
    caption: "Messages, newest first",
    key: (each) => each.id,
    empty: "Nothing was to be told yet.",
    columns: [
      { title: "Message", cell: (each) => h("a", { class: "code", href: `#/webhooks/${each.id}` }, each.id) },
      { title: "Event", cell: (each) => each.event },
      { title: "About", cell: (each) => shortOrderLink(each.order_id) || each.product_code || "" },
      { title: "At", cell: (each) => date(each.created_at) },
      { title: "Deliveries", cell: (each) => each.deliveries.length
        ? each.deliveries.map((to) => [badge(to.state), ` ${tries(to.attempts.length)} `])
        : h("span", { class: "badge bad" }, "nobody subscribed") },
    ],
  });
}

function tries(many) {
  return many === 1 ? "1 attempt" : `${many} attempts`;
}

export const message = {
  title: "Webhook message",
  parts: ["webhooks"],
  pause: 2_000,

  open(id, _query, again) {
    const path = `webhooks/messages/${encodeURIComponent(id)}`;
    const resend = (to) => act(() => send("POST", `${path}/resend`, to ? { endpoint_id: to } : {}), "Sent again.").then(again);
    const head = heading(`Message ${id}`, path, button("Send again", () => resend(null)));
    const body = h("div");

    async function refresh() {
      keep(body, await get(path), (found) => [
        h("div", { class: "panel" }, facts([
          ["Event", found.event], ["Order", orderLink(found.order_id)], ["Product", found.product_code],
          ["At", date(found.created_at)], ["Account", found.account ?? "everybody"],
        ])),
        found.deliveries.length ? found.deliveries.map((to) => delivery(to, resend))
          : h("p", { class: "notice" }, "Nobody was subscribed: this was told to no one."),
        h("section", {}, h("h2", {}, "Payload"), codeBlock(pretty(found.payload))),
      ]);
    }

    return { element: h("div", {}, head.element, body), refresh };
  },
};

function delivery(to, resend) {
  const attempts = table({
    caption: `Attempts at ${to.url}`,
    key: (each) => each.at,
    empty: "Not tried yet.",
    columns: [
      { title: "At", cell: (each) => date(each.at) },
      { title: "Answer", cell: (each) => each.status ?? each.error ?? "nothing" },
      { title: "Took", class: "number", cell: (each) => `${Math.round(each.duration_ms)} ms` },
      { title: "On purpose", cell: (each) => (each.adversary ?? []).join(", ") },
      { title: "Body", class: "code text", cell: (each) => each.response ?? "" },
    ],
  });
  attempts.show(to.attempts);
  return h("section", {}, h("h2", {}, `To ${to.url}`),
    fill(h("p"), badge(to.state), to.next_attempt_at ? ` next attempt ${date(to.next_attempt_at)} ` : " ",
      button("Send again to this one", () => resend(to.endpoint_id))),
    attempts.element);
}
