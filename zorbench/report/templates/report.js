"use strict";
// What a page can do beyond being read: without it everything is there, in one order and one light.
(() => {
  const all = (selector, root = document) => Array.from(root.querySelectorAll(selector));
  const make = (tag, attributes = {}, ...children) => {
    const element = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
    element.append(...children);
    return element;
  };

  // Light and dark: as the system has it, until a reader says otherwise.
  const tools = document.getElementById("tools");
  const theme = make("button", { type: "button", "aria-live": "polite" });
  const themes = ["auto", "light", "dark"];
  let shade = 0;
  const paint = () => {
    if (shade) document.documentElement.dataset.theme = themes[shade];
    else delete document.documentElement.dataset.theme;
    theme.textContent = `Theme: ${themes[shade]}`;
  };
  theme.addEventListener("click", () => { shade = (shade + 1) % themes.length; paint(); });
  paint();

  // One filter for the rows of all tables, galleries and figures.
  const filter = make("input", { type: "search", id: "filter", placeholder: "e.g. zor mlp", autocomplete: "off", spellcheck: "false" });
  const found = make("span", { role: "status", class: "small" });
  const off = new Set();  // rows switched off by hand
  const shows = (label, words) => !words.length || words.some((word) => label.toLowerCase().includes(word));
  const apply = () => {
    const words = filter.value.toLowerCase().split(/[\s,]+/).filter(Boolean);
    const labels = new Set();
    for (const element of all("[data-row]")) {
      const label = element.dataset.row;
      const shown = shows(label, words);
      const series = element.closest("svg") !== null && element.classList.contains("series");
      element.toggleAttribute("hidden", !shown || (series && off.has(label)));
      if (shown) labels.add(label);
    }
    found.textContent = words.length ? `${labels.size} of ${rows.size} rows` : "";
  };
  const rows = new Set(all("[data-row]").map((element) => element.dataset.row));
  filter.addEventListener("input", apply);
  tools.append(make("label", { for: "filter" }, "Rows"), filter, found, theme);
  tools.hidden = false;

  // Headings that sort: numbers by their value, the best first where a heading says which way is better.
  const value = (row, column) => {
    const cell = row.children[column];
    if (!cell || cell.colSpan > 1) return null;
    return "v" in cell.dataset ? Number(cell.dataset.v) : cell.textContent.trim();
  };
  const sort = (table, column, direction) => {
    for (const body of all("tbody", table)) {
      const lines = all(":scope > tr[data-row]", body);
      lines.sort((a, b) => {
        const x = value(a, column), y = value(b, column);
        const missing = (v) => v === null || v === "" || v === "–" || Number.isNaN(v);
        if (missing(x) || missing(y)) return missing(x) - missing(y);
        const both = typeof x === "number" && typeof y === "number";
        return direction * (both ? x - y : String(x).localeCompare(String(y)));
      });
      body.append(...lines);
    }
  };
  for (const table of all("table.sortable")) {
    const headings = all("thead th", table);
    headings.forEach((heading, column) => {
      const button = make("button", { type: "button", class: "sort" }, ...heading.childNodes);
      heading.append(button);
      button.addEventListener("click", () => {
        const before = heading.getAttribute("aria-sort");
        const first = heading.dataset.better === "up" ? "descending" : "ascending";
        const next = before === null ? first : before === "ascending" ? "descending" : "ascending";
        headings.forEach((other) => other.removeAttribute("aria-sort"));
        heading.setAttribute("aria-sort", next);
        sort(table, column, next === "ascending" ? 1 : -1);
      });
    });
  }

  // Series can be switched off, in all figures of a suite at once.
  for (const section of all("section.suite")) {
    const drawn = Array.from(new Set(all("svg .series", section).map((one) => one.dataset.row))).sort();
    const place = section.querySelector(".figures");
    if (!drawn.length || !place) continue;
    const boxes = drawn.map((label) => {
      const box = make("input", { type: "checkbox", value: label });
      box.checked = true;
      box.addEventListener("change", () => { box.checked ? off.delete(label) : off.add(label); apply(); twins(box); });
      return box;
    });
    const every = (on) => make("button", { type: "button" }, on ? "all" : "none");
    const buttons = [true, false].map((on) => {
      const button = every(on);
      button.addEventListener("click", () => {
        boxes.forEach((box) => { box.checked = on; on ? off.delete(box.value) : off.add(box.value); twins(box); });
        apply();
      });
      return button;
    });
    const swatch = (label) => {
      const known = all(".name", section).find((name) => name.textContent.trim() === label && name.querySelector("svg"));
      return known ? known.querySelector("svg").cloneNode(true) : "";
    };
    const chips = boxes.map((box) => make("label", { class: "chip" }, box, swatch(box.value), box.value));
    place.before(make("fieldset", { class: "chips" }, make("legend", {}, "Drawn"), ...chips, ...buttons));
  }
  function twins(box) {  // the same row in other suites
    for (const other of all(".chips input")) if (other.value === box.value) other.checked = box.checked;
  }

  // What a point or line is, beside the pointer.
  const tip = make("div", { id: "tip", role: "tooltip", hidden: "" });
  document.body.append(tip);
  for (const line of all("svg .series[data-tip] path")) {
    if (line.closest("defs") || getComputedStyle(line).fill !== "none") continue;
    const wide = line.cloneNode();  // a hair line is hard to hit
    wide.removeAttribute("clip-path");
    wide.removeAttribute("class");
    wide.style.cssText = "fill:none;stroke:transparent;stroke-width:9";
    line.after(wide);
  }
  document.addEventListener("pointermove", (event) => {
    const series = event.target instanceof Element ? event.target.closest("[data-tip]") : null;
    for (const one of all("svg .series.near")) if (!series || one.dataset.row !== series.dataset.row) one.classList.remove("near");
    tip.hidden = !series;
    if (!series) return;
    for (const one of all(".series", series.closest("svg"))) one.classList.toggle("near", one.dataset.row === series.dataset.row);
    tip.textContent = series.dataset.tip;
    const left = Math.min(event.clientX + 14, window.innerWidth - tip.offsetWidth - 8);
    tip.style.transform = `translate(${Math.max(8, left)}px, ${event.clientY + 16}px)`;
  });

  // A picture strip, larger.
  for (const picture of all(".strips img")) {
    const button = make("button", { type: "button", class: "zoom", "aria-pressed": "false", title: "larger or smaller" });
    picture.replaceWith(button);
    button.append(picture);
    button.addEventListener("click", () => {
      const on = button.getAttribute("aria-pressed") !== "true";
      all("button.zoom", button.closest(".strips")).forEach((one) => one.setAttribute("aria-pressed", String(on)));
    });
  }

  // On paper nothing is folded away.
  window.addEventListener("beforeprint", () => all("details").forEach((one) => { one.dataset.was = String(one.open); one.open = true; }));
  window.addEventListener("afterprint", () => all("details").forEach((one) => { one.open = one.dataset.was === "true"; }));
})();
