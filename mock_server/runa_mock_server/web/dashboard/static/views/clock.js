// The clock: where it stands, and everything that can be done to it.

import { account, send } from "../api.js";
import { h } from "../dom.js";
import { speed } from "../format.js";
import { act, refreshClock } from "../frame.js";
import { button, field, heading } from "../parts.js";

const STEPS = [["PT1S", "1 second"], ["PT1M", "1 minute"], ["PT1H", "1 hour"], ["P1D", "1 day"], ["P31D", "31 days"]];
const SPEEDS = [1, 60, 3_600, 86_400];

export const clock = {
  title: "Clock",
  parts: ["clock"],

  open() {
    const head = heading("Clock", "clock");
    const stands = h("p", { class: "big", "data-clock": "" });
    const about = h("p", { class: "faint" });
    const change = (body, done) => act(() => send("PUT", "clock", body), done).then(refresh);
    const duration = h("input", { placeholder: "P1DT12H", required: true, size: "12" });
    const factor = h("input", { type: "number", min: "0.001", max: "1000000", step: "any", size: "8", required: true });
    const moment = h("input", { placeholder: "2026-12-24T18:00:00Z", required: true, size: "22" });

    const form = (doing, ...inner) => h("form", {
      class: "row",
      onsubmit: (event) => {
        event.preventDefault();
        doing();
      },
    }, inner);
    const advance = (step, text = step) => change({ advance: step }, `The clock went ahead by ${text}.`);
    const element = h(
      "div", {}, head.element, h("section", { class: "panel" }, stands, about),
      h("section", { class: "panel" }, h("h2", {}, "Advance"),
        h("div", { class: "row" }, STEPS.map(([step, text]) => button(`+ ${text}`, () => advance(step, text)))),
        form(() => advance(duration.value.trim()),
          field("ISO 8601 duration", duration), h("button", {}, "Advance")),
        form(() => change({ set: moment.value.trim() }, "The clock was set."),
          field("To the moment", moment), h("button", {}, "Set")),
        h("p", { class: "faint" }, "Everything follows the clock: processing, expiry, the 30 days of an "
          + "idempotency key. It never goes back, but for a reset.")),
      h("section", { class: "panel" }, h("h2", {}, "Run"),
        h("div", { class: "row" },
          button("Freeze", () => change({ freeze: true }, "The clock stands still.")),
          SPEEDS.map((each) => button(each === 1 ? "Run" : `Run ×${each}`,
            () => change({ speed: each }, `The clock ${speed(each)}.`)))),
        form(() => change({ speed: Number(factor.value) }, `The clock ${speed(Number(factor.value))}.`),
          field("Seconds per second", factor), h("button", {}, "Run"))),
    );

    async function refresh() {
      await refreshClock();
      about.textContent = account()
        ? `The clock of the account ${account()}. Once frozen or told to run, it no longer follows the server's.`
        : "The server's clock. Accounts follow it unless they were given a pace of their own.";
    }

    return { element, refresh };
  },
};
