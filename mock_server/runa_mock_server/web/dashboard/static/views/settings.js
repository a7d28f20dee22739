// The settings; those that can be changed at run time have a field.

import { account, get, send } from "../api.js";
import { h, table } from "../dom.js";
import { act } from "../frame.js";
import { heading } from "../parts.js";

export const settings = {
  title: "Settings",
  parts: ["settings"],

  open(_id, _query, again) {
    const head = heading("Settings", "settings");
    const about = h("p", { class: "faint" });
    const change = (name, value) =>
      act(() => send("PUT", "settings", { [name]: value }), `${name} is changed.`).then(again);
    const columns = [
      { title: "Setting", class: "code", cell: (row) => row.name },
      { title: "Value", class: "text", cell: (row) => row.isOpen ? editor(row, change) : shown(row.value) },
    ];
    const key = (row) => row.name;
    const kind = table({
      caption: "Kinder than the real service",
      key,
      empty: "Nothing: this server is strict.",
      columns: [
        { title: "Setting", class: "code", cell: (row) => row.name },
        { title: "Kindness", class: "text", cell: (row) => row.text },
      ],
    });
    const open = table({ caption: "Settings that can be changed now", key, columns });
    const fixed = table({ caption: "Settings that are chosen at the start", key, columns });

    async function refresh() {
      const found = await get("settings");
      const rows = Object.entries(found.settings).map(([name, value]) =>
        ({ name, value, isOpen: found.changeable.includes(name) }));
      open.show(rows.filter((row) => row.isOpen));
      fixed.show(rows.filter((row) => !row.isOpen));
      kind.show(Object.entries(found.kindnesses).map(([name, text]) => ({ name, text })));
      about.textContent = account()
        ? `How the server behaves towards ${account()}.` : "How the server behaves towards every account.";
    }

    const element = h(
      "div", {}, head.element, about,
      h("section", {}, h("h2", {}, "Kinder than the real service"), kind.element),
      h("section", {}, h("h2", {}, "Can be changed now"), open.element),
      h("section", {}, h("h2", {}, "Chosen at the start"), fixed.element),
    );
    return { element, refresh };
  },
};

function shown(value) {
  if (value === null || value === "") return h("span", { class: "faint" }, "not set");
  return typeof value === "object" ? JSON.stringify(value) : String(value);
}

function editor({ name, value }, change) {
  const isSwitch = typeof value === "boolean";
  const input = isSwitch
    ? h("input", { type: "checkbox", checked: value, "aria-label": name })
    : h("input", {
      value: value === null ? "" : typeof value === "object" ? JSON.stringify(value) : value,
      placeholder: "not set", "aria-label": name,
    });
  const submit = (event) => {
    event.preventDefault();
    change(name, isSwitch ? input.checked : typed(input.value.trim()));
  };
  return h("form", { class: "row", onsubmit: submit },
    input, h("button", { "aria-label": `Change ${name}` }, "Change"));
}

/** A number or an object where it looks like one, null for nothing, else the text. */
function typed(text) {
  if (text === "") return null;
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}
