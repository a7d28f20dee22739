// The outbox of mails.

import { get } from "../api.js";
import { fill, h, link, table } from "../dom.js";
import { act } from "../frame.js";
import { date } from "../format.js";
import { accountColumn, badge, button, codeBlock, heading, shortOrderLink } from "../parts.js";

const LIMIT = 100;

export const emails = {
  title: "Mails",
  parts: ["emails"],
  pause: 2_000,

  open() {
    const head = heading("Mails", "emails");
    const count = h("p", { class: "faint" });
    const detail = h("section", { class: "detail" });
    const list = table({
      caption: "Mails, newest first",
      key: (mail) => mail.id,
      empty: "No mail. Items with the distribution method EMAIL cause one, on the playground if the "
        + "request has X-Send-Email: true.",
      columns: [
        { title: "Leaves", cell: (mail) => date(mail.sent_at) || "on hold" },
        { title: "State", cell: (mail) => badge(mail.sent ? "sent" : "waiting") },
        { title: "Relay", class: "relay", cell: (mail) =>
          mail.relayed === "sent" ? badge("relayed") : mail.relayed ?? h("span", { class: "faint" }, "none") },
        { title: "To", class: "text", cell: (mail) => mail.to },
        { title: "Subject", class: "text", cell: (mail) => mail.subject },
        { title: "Payout", cell: (mail) => mail.sent ? link(mail.url, "Open", { target: "_blank", rel: "noopener" }) : "not yet" },
        { title: "Order", cell: (mail) => shortOrderLink(mail.order_id) },
        accountColumn("none"),
        { title: "", cell: (mail) =>
          button("Read", () => read(mail), { "aria-label": `Read ${mail.id} to ${mail.to}` }) },
      ],
    });

    // The HTML is shown as source: the page's policy, which a frame inherits, forbids its styles.
    async function read(mail) {
      const whole = await act(() => get(`emails/${encodeURIComponent(mail.id)}`), "");
      if (whole === null) return;
      fill(detail,
        h("h2", { tabindex: "-1" }, whole.subject), h("p", {}, `To ${whole.to}`), codeBlock(whole.text),
        h("details", {}, h("summary", {}, "HTML source"), codeBlock(whole.html)),
        h("details", {}, h("summary", {}, "The whole message, as it leaves (MIME)"), codeBlock(whole.mime)));
      detail.firstChild.focus();
    }

    async function refresh() {
      head.name({ limit: LIMIT });
      const found = await get("emails", { limit: LIMIT });
      list.show(found.emails.toReversed());
      count.textContent = `${found.emails.length} shown of ${found.total}`;
    }

    return { element: h("div", {}, head.element, list.element, count, detail), refresh };
  },
};
