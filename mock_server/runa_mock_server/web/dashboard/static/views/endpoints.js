// The endpoints of webhooks: a table of them with all that can be done to one, and a form for more.

import { fill, h, table } from "../dom.js";
import { accountColumn, badge, button, choice, copyable, field } from "../parts.js";

export const EVENTS = ["order.completion", "product.update"];
const EARLIEST = "1970-01-01T00:00:00Z";

/** The table; `change(method, path, body, done)` calls the control API and says what came of it. */
export function endpointTable(change) {
  return table({
    caption: "Endpoints",
    key: (endpoint) => endpoint.id,
    empty: "No endpoint is subscribed to anything. Add one below, or start the server with --webhook.",
    columns: [
      { title: "Address", class: "text address", cell: (each) =>
        h("div", {}, each.url, h("div", { class: "faint" }, each.id)) },
      { title: "Event", cell: (each) => each.event },
      { title: "State", cell: state },
      { title: "Secret", class: "secret", cell: secret },
      accountColumn("everybody"),
      { title: "", cell: (each) => doing(each, change) },
    ],
  });
}

function state(endpoint) {
  if (endpoint.disabled) return badge("disabled");
  if (endpoint.failing_since === null) return badge("enabled");
  return h("span", { class: "badge bad", title: `since ${endpoint.failing_since}` }, "failing");
}

/** What signs the messages, not shown before it is asked for: screens are shared. */
function secret(endpoint) {
  const holder = h("div");
  const hidden = (of, label) => button("Show", () => fill(holder, copyable(of)), { "aria-label": label });
  fill(holder, hidden(endpoint.secret, `Show the secret of ${endpoint.id}`));
  const retired = endpoint.retired_secrets.length;
  return h("div", {}, holder, retired ? h("div", { class: "faint" }, `and ${retired} older`) : null);
}

function doing(endpoint, change) {
  const at = `webhooks/endpoints/${endpoint.id}`;
  const named = (text, onclick) => button(text, onclick, { "aria-label": `${text}: ${endpoint.id}` });
  return h("div", { class: "doing" },
    endpoint.disabled
      ? named("Enable", () => change("PATCH", at, { disabled: false }, "The endpoint is told again."))
      : named("Disable", () => change("PATCH", at, { disabled: true }, "The endpoint is told nothing.")),
    named("New secret", () => change("POST", `${at}/rotate`, {}, "It has a new secret; for a day the old one signs too.")),
    endpoint.disabled ? null
      : named("Recover", () => change("POST", `${at}/recover`, { since: EARLIEST }, (result) => `Messages: ${result.done}.`)),
    named("Remove", () => change("DELETE", at, undefined, (result) => `${result.done}.`)));
}

/** A form that adds an endpoint. */
export function endpointForm(change) {
  const url = h("input", { type: "url", required: true, size: "32", placeholder: "http://127.0.0.1:9000/hook" });
  const event = choice(EVENTS.map((each) => [each, each]));
  const subscribe = async (submitted) => {
    submitted.preventDefault();
    await change("POST", "webhooks/endpoints", { url: url.value, event: event.value },
      (added) => `${added.url} is told of ${added.event}.`);
  };
  return h("form", { class: "row after", onsubmit: subscribe },
    field("Address", url), field("Event", event), h("button", {}, "Add endpoint"));
}
