// The outbox of mails.

import { get, getIfThere } from "../api.js";
import { fill, h, link, table } from "../dom.js";
import { date } from "../format.js";
import { accountColumn, badge, button, codeBlock, heading, notAvailable, shortOrderLink } from "../parts.js";

const LIMIT = 100;

export const emails = {
  title: "Mails",
  parts: ["emails"],
  pause: 2_000,

  open() {
    const head = heading("Mails", "emails");
    const count = h("p", { class: "faint" });
    const detail = h("section", { "aria-live": "polite" });
    const list = table({
      caption: "Mails, newest first",
      key: (mail) => mail.item_id,
      empty: "No mail. Items with the distribution method EMAIL cause one, on the playground if the "
        + "request has X-Send-Email: true.",
      columns: [
        { title: "Leaves", cell: (mail) => date(mail.sent_at) || "on hold" },
        { title: "State", cell: (mail) => badge(mail.sent ? "sent" : "waiting") },
        { title: "To", class: "text", cell: (mail) => mail.to },
        { title: "Subject", class: "text", cell: (mail) => mail.subject ?? "" },
        { title: "Link", cell: (mail) => mail.sent ? link(mail.url, "Open payout", { target: "_blank", rel: "noopener" }) : "not yet" },
        { title: "Order", cell: (mail) => shortOrderLink(mail.order_id) },
        { title: "Relayed", class: "text", cell: (mail) => mail.relayed ?? "" },
        accountColumn("none"),
        { title: "", cell: (mail) => mail.id
          ? button("Read", () => read(mail), { "aria-label": `Read the mail to ${mail.to}` }) : "" },
      ],
    });

    async function read(mail) {
      const whole = await getIfThere(`emails/${encodeURIComponent(mail.id)}`);
      fill(detail, whole === null ? notAvailable("The texts of mails") : [
        h("h2", {}, whole.subject ?? "Mail"), h("p", {}, `To ${whole.to}`),
        codeBlock(whole.text ?? ""),
        h("details", {}, h("summary", {}, "HTML source"), codeBlock(whole.html ?? "")),
        h("details", {}, h("summary", {}, "As it is sent (MIME)"), codeBlock(whole.mime ?? "")),
      ]);
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
