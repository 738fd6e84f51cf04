"use strict";
/* What makes the page one that can be explored: sorted tables, a drawer for each cell of the grid, CSV files.
   Without it the page has the same numbers. Texts of the study are set as text, never as HTML. */

const { columns, rows: cellRows } = JSON.parse(document.getElementById("finished").textContent);
const finished = cellRows.map((row) => Object.fromEntries(columns.map((name, index) => [name, row[index]])));

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

/* The drawer: one cell with its seeds. */

const drawer = document.getElementById("drawer");
const one = (value) => (value === null ? "\u2013" : value.toFixed(1).replace("-", "\u2212"));
const signed = (value) => (value > 0 ? "+" : "") + one(value);
const cellsOf = (backbone, method, sources, target) =>
  finished.filter((cell) => cell.backbone === backbone && cell.method === method && cell.sources === sources && cell.target === target);

function seedsTable(cells, baseline) {
  const table = element("table");
  const names = ["seed", "score", "gain", "last epoch", "first epoch", "key"];
  const head = table.createTHead().insertRow();
  names.forEach((name) => head.append(element("th", name, { scope: "col" })));
  const body = table.createTBody();
  for (const cell of cells) {
    const before = baseline.find((other) => other.seed === cell.seed);
    const gain = before === undefined ? "\u2013" : signed(cell.score - before.score);
    const row = body.insertRow();
    row.append(element("th", String(cell.seed), { scope: "row" }));
    for (const text of [one(cell.score), gain, one(cell.score_last), one(cell.score_first_epoch)]) row.append(element("td", text));
    row.insertCell().append(element("code", cell.key.slice(0, 16)));
  }
  return table;
}

function show(place) {
  const { method, sources } = place.parentElement.dataset;
  const { backbone, baseline } = place.closest("table").dataset;
  const target = place.dataset.target;
  const cells = cellsOf(backbone, method, sources, target);
  const title = element("h3", `${method}: ${sources ? `${sources} \u2192 ` : ""}${target}`, { id: "drawer-title" });
  const close = element("button", "Close", { type: "button" });
  close.addEventListener("click", () => drawer.close());
  const before = method === baseline ? [] : cellsOf(backbone, baseline, "", target);
  const measure = element("p", `${backbone}; ${cells[0].measure} in percent; gain over ${baseline || "prompt tuning"} with the same seed, in points`, { class: "soft" });
  drawer.replaceChildren(title, measure, seedsTable(cells, before), close);
  drawer.showModal();
}

const STEPS = { ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [-1, 0], ArrowDown: [1, 0] };

function move(event) {
  const step = STEPS[event.key];
  const place = event.target;
  if (event.key === "Enter" || event.key === " ") show(place);
  else if (step === undefined) return;
  else {
    const rows = [...place.closest("tbody").rows];
    let [row, column] = [rows.indexOf(place.parentElement), place.cellIndex];
    do {
      row += step[0];
      column += step[1];
    } while (rows[row]?.cells[column] !== undefined && !rows[row].cells[column].matches("[data-target]"));
    const next = rows[row]?.cells[column];
    if (next !== undefined) {
      place.tabIndex = -1;
      next.tabIndex = 0;
      next.focus();
    }
  }
  event.preventDefault();
}

for (const table of document.querySelectorAll("table")) equip(table);
for (const grid of document.querySelectorAll("table.grid")) {
  grid.querySelectorAll("td[data-target]").forEach((place, index) => {
    place.tabIndex = index === 0 ? 0 : -1;
    place.setAttribute("role", "button");
    place.addEventListener("click", () => show(place));
    place.addEventListener("keydown", move);
  });
}
const saving = document.getElementById("save-scores");
saving.hidden = false;
saving.addEventListener("click", () => save("scores.csv", [columns, ...cellRows.map((row) => row.map((value) => value ?? ""))]));
