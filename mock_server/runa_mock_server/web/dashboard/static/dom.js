// Making and reusing elements. Data become text nodes or attributes, never markup.

/**
 * An element. `given` holds attributes; `class`, and `on…` for listeners. Children are elements,
 * texts, arrays of these, or null.
 */
export function h(tag, given = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(given)) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else element.setAttribute(name, value === true ? "" : String(value));
  }
  fill(element, children);
  return element;
}

export function fill(element, ...children) {
  element.replaceChildren(
    ...children.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== false),
  );
  return element;
}

/** A link; an address that is neither the web's nor the page's own is shown as text. */
export function link(href, text, given = {}) {
  const isSafe = href.startsWith("#") || /^https?:\/\//i.test(href);
  return isSafe ? h("a", { href, ...given }, text) : h("span", {}, text);
}

/**
 * A table that keeps the rows that have not changed.
 *
 * Columns have a `title`, a `cell(row)` that gives what stands there, and perhaps a `class`; one
 * that is null is left out. `key(row)` tells rows apart. The roles are said again because on a
 * phone each row is laid out as a card, and browsers forget then that it is a table.
 */
export function table({ caption, columns: given, key, empty }) {
  const columns = given.filter((column) => column !== null);
  const body = h("tbody", { role: "rowgroup" });
  const heads = columns.map((c) => h("th", { scope: "col", role: "columnheader", class: c.class }, c.title));
  const grid = h(
    "table", { role: "table" }, h("caption", { class: "hidden" }, caption),
    h("thead", { role: "rowgroup" }, h("tr", { role: "row" }, heads)), body,
  );
  const nothing = h("p", { class: "faint" }, empty ?? "Nothing here.");
  const scroller = h("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": caption }, grid);
  const element = h("div", {}, scroller, nothing);
  let known = new Map();

  function show(rows) {
    const next = new Map();
    for (const row of rows) {
      const signature = JSON.stringify(row);
      const old = known.get(key(row));
      const line = old?.signature === signature ? old.line : lineOf(row);
      next.set(key(row), { signature, line });
    }
    known = next;
    const lines = [...next.values()].map((each) => each.line);
    lines.forEach((line, at) => {
      if (body.children[at] !== line) body.insertBefore(line, body.children[at] ?? null);
    });
    while (body.children.length > lines.length) body.lastChild.remove();
    scroller.hidden = rows.length === 0;
    nothing.hidden = rows.length > 0;
  }

  function lineOf(row) {
    return h("tr", { role: "row" }, columns.map((c) =>
      h("td", { role: "cell", class: c.class, "data-title": c.title }, c.cell(row))));
  }

  show([]);
  return { element, show };
}

/** Put a new child in place only if it differs, so that focus and selection stay. */
export function keep(holder, value, make) {
  const signature = JSON.stringify(value);
  if (holder.dataset.shown === signature) return;
  holder.dataset.shown = signature;
  fill(holder, make(value));
}
