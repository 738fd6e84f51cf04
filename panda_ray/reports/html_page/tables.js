"use strict";
/* What makes the page one that can be explored: sorted tables, a drawer for each cell of the grid, CSV files.
   Without it the page has the same numbers. Texts of the study are set as text, never as HTML. */

/* What the page holds as data is read when it is first asked for: of a large study it is megabytes. */
const held = {};
const data = (name) => (held[name] ??= JSON.parse(document.getElementById(name).textContent));

const element = (name, text = "", attributes = {}) => {
  const made = document.createElement(name);
  made.textContent = text;
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  return made;
};

/* Tables: sorted by a column, saved as CSV. */

const plain = (cell) => cell.innerText.trim().replaceAll("\u2212", "-");

const rank = (cell) => {
  const text = plain(cell);
  const number = text.match(/^[+-]?[\d,]*\.?\d+/);
  return { text, number: number === null ? null : Number(number[0].replaceAll(",", "")), absent: ["", "\u2013"].includes(text) };
};

const compare = (one, other) => {
  if (one.absent !== other.absent) return one.absent ? 1 : -1;
  if (one.number !== null && other.number !== null) return one.number - other.number;
  return one.text.localeCompare(other.text);
};

function sortBy(table, column, heading) {
  const falling = heading.getAttribute("aria-sort") === "ascending";
  for (const other of table.tHead.rows[0].cells) other.removeAttribute("aria-sort");
  heading.setAttribute("aria-sort", falling ? "descending" : "ascending");
  const ranked = [...table.tBodies[0].rows].map((row) => ({ row, by: rank(row.cells[column]) }));
  ranked.sort((one, other) => {
    const order = compare(one.by, other.by);
    return falling && one.by.absent === other.by.absent ? -order : order;
  });
  for (const { row } of ranked) table.tBodies[0].append(row);
}

const quoted = (text) => `"${(/^\s*[=+\-@\t]/.test(text) && Number.isNaN(Number(text)) ? "'" : "") + text.replaceAll('"', '""')}"`;

const csvOf = (rows) => rows.map((row) => row.map((value) => quoted(String(value))).join(",") + "\n").join("");

function save(name, rows) {
  const link = element("a", "", { download: name, href: URL.createObjectURL(new Blob([csvOf(rows)], { type: "text/csv" })) });
  link.click();
  URL.revokeObjectURL(link.href);
}

function equip(table) {
  const name = table.caption.innerText;
  [...table.tHead.rows[0].cells].forEach((heading, column) => {
    const button = element("button", heading.innerText, { type: "button", class: "sort" });
    button.addEventListener("click", () => sortBy(table, column, heading));
    heading.replaceChildren(button);
  });
  const button = element("button", "CSV", { type: "button", class: "save", "aria-label": `Save as CSV: ${name}` });
  button.addEventListener("click", () => save(`${name}.csv`, [...table.rows].map((row) => [...row.cells].map(plain))));
  table.caption.append(button);
}

