// What a newcomer sees: how to place the first order.

import { get, serverUrl } from "../api.js";
import { h } from "../dom.js";
import { copyable } from "../parts.js";

const PREFIXES = { playground: "XX-me.secret", production: "wg-me.secret" };
const BODY = {
  payment_method: { type: "ACCOUNT_BALANCE", currency: "USD" },
  items: [{
    face_value: 10,
    distribution_method: { type: "PAYOUT_LINK" },
    products: { type: "SINGLE", value: "1800FL-US" },
  }],
};

export async function firstOrder() {
  const { settings } = await get("settings", {}, { whole: true });
  const isOwnKey = settings.api_keys.length > 0;
  const key = isOwnKey ? "YOUR-API-KEY" : PREFIXES[settings.profile];
  const command = `curl -s ${serverUrl}/v2/order \\
  -H 'X-Api-Key: ${key}' -H 'X-Idempotency-Key: first-1' \\
  -d '${JSON.stringify(BODY)}'`;
  return h(
    "section", { class: "panel first", "aria-labelledby": "first" },
    h("h2", { id: "first" }, "No order yet. Place the first one"),
    h("p", {}, "Run this in a shell; the order shows up here by itself and completes a moment later."),
    copyable(command),
    h("ul", {},
      h("li", {}, isOwnKey
        ? "Put in one of the API keys that this server was started with."
        : `Any API key that starts with ${key.slice(0, 2)} is good, and each is an account of its own.`),
      h("li", {}, "Run it again: the same key gives the same answer, and no second order."),
      h("li", {}, "Then arm a ", h("a", { href: "#/faults" }, "fault"), ", or advance the ",
        h("a", { href: "#/clock" }, "clock"), " by 31 days, and see what your client does."),
    ),
  );
}
