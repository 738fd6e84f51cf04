/* The drawer: one cell with its seeds, and how they were trained. */

const drawer = document.getElementById("drawer");
const SVG = "http://www.w3.org/2000/svg";
const one = (value) => (value === null ? "\u2013" : value.toFixed(1).replace("-", "\u2212"));
const signed = (value) => (value > 0 ? "+" : "") + one(value);

/* The finished cells of one place of the grid, with how each was trained. */
function cellsOf(backbone, method, sources, target) {
  const { columns, rows } = data("finished");
  const wanted = { backbone, method, sources, target };
  const places = Object.entries(wanted).map(([name, value]) => [columns.indexOf(name), value]);
  const found = rows.flatMap((row, index) => (places.every(([column, value]) => row[column] === value) ? [index] : []));
  return found.map((index) => ({
    ...Object.fromEntries(columns.map((name, column) => [name, rows[index][column]])),
    training: data("trainings")[index],
  }));
}

function seedsTable(cells, baseline) {
  const table = element("table");
  const names = ["seed", "score", "gain", "last epoch", "first epoch", "seconds", "peak GiB", "key"];
  const head = table.createTHead().insertRow();
  names.forEach((name) => head.append(element("th", name, { scope: "col" })));
  const body = table.createTBody();
  cells.forEach((cell, index) => {
    const before = baseline.find((other) => other.seed === cell.seed);
    const gain = before === undefined ? "\u2013" : signed(cell.score - before.score);
    const { seconds, gib } = cell.training ?? { seconds: null, gib: null };
    const row = body.insertRow();
    const seed = element("th", String(cell.seed), { scope: "row" });
    seed.prepend(element("span", "", { class: `swatch line-${index % LINES}` }));
    row.append(seed);
    const numbers = [one(cell.score), gain, one(cell.score_last), one(cell.score_first_epoch), one(seconds), one(gib)];
    for (const text of numbers) row.append(element("td", text));
    row.insertCell().append(keyOf(cell.key));
  });
  return table;
}

/* The key of a unit, which leads to its run where the address of MLflow is known. By score, for a page that MLflow orders by
   date has the parents of what its filter finds, too. */
function keyOf(key) {
  const code = element("code", key.slice(0, 16));
  const page = drawer.dataset.runsPage;
  if (!page) return code;
  const query = new URLSearchParams({ searchFilter: `tags.key = '${key}'`, orderByKey: "metrics.`score`", orderByAsc: false });
  const link = element("a", "", { href: `${page}&${query}`, target: "_blank", rel: "noopener noreferrer" });
  link.append(code);
  return link;
}

/* Learning curves. */

const LINES = 6;
const [WIDTH, HEIGHT, LEFT, BOTTOM, TOP] = [330, 170, 44, 22, 20];

function drawn(name, attributes, text = "") {
  const made = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.textContent = text;
  return made;
}

/* Epoch and value of each point; of a long training every so many epochs, and the last. */
function points({ epochs, every }, values) {
  return values.map((value, index) => [Math.min(1 + index * every, epochs), value]).filter(([, value]) => value !== null);
}

function chart(title, lines, digits) {
  const all = lines.flatMap((line) => line.points);
  if (all.length === 0) return [];
  const last = Math.max(2, ...all.map(([epoch]) => epoch));
  const [low, high] = [Math.min(...all.map(([, value]) => value)), Math.max(...all.map(([, value]) => value))];
  const x = (epoch) => LEFT + ((epoch - 1) / (last - 1)) * (WIDTH - LEFT - 8);
  const y = (value) => HEIGHT - BOTTOM - ((value - low) / (high - low || 1)) * (HEIGHT - BOTTOM - TOP);
  const svg = drawn("svg", { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, role: "img", class: "curves" });
  svg.append(drawn("title", {}, title), drawn("text", { x: LEFT, y: 11 }, title));
  for (const value of low === high ? [low] : [low, high]) {
    svg.append(drawn("line", { x1: LEFT, x2: WIDTH - 8, y1: y(value), y2: y(value), class: "rule" }));
    svg.append(drawn("text", { x: LEFT - 5, y: y(value) + 4, "text-anchor": "end" }, value.toFixed(digits).replace("-", "\u2212")));
  }
  for (const [epoch, anchor] of [[1, "start"], [last, "end"]]) {
    svg.append(drawn("text", { x: x(epoch), y: HEIGHT - 6, "text-anchor": anchor }, `epoch ${epoch}`));
  }
  for (const line of lines) {
    const path = line.points.map(([epoch, value]) => `${x(epoch).toFixed(1)},${y(value).toFixed(1)}`).join(" ");
    svg.append(drawn("polyline", { points: path, class: line.style }));
    if (line.points.length === 1) svg.append(drawn("circle", { cx: x(line.points[0][0]), cy: y(line.points[0][1]), r: 2.5, class: line.style }));
  }
  return [svg];
}

function curves(cells, before, baseline) {
  const known = cells.filter((cell) => cell.training);
  if (known.length === 0) return [element("p", "MLflow has no learning curves of this cell.", { class: "soft" })];
  const lines = (name) =>
    cells.flatMap((cell, index) =>
      [[before.find((other) => other.seed === cell.seed), "before"], [cell, ""]]
        .filter(([of]) => of?.training)
        .map(([of, style]) => ({ points: points(of.training, of.training[name]), style: `line line-${index % LINES} ${style}` })),
    );
  const charts = element("div", "", { class: "charts" });
  charts.append(...chart("score on the dev set, %", lines("score"), 1), ...chart("training loss", lines("loss"), 3));
  const every = Math.max(...known.map((cell) => cell.training.every));
  const said = [
    before.length ? `Dashed: ${baseline} with the same seed.` : "",
    every > 1 ? `Of ${Math.max(...known.map((cell) => cell.training.epochs))} epochs, one in ${every} is drawn, and the last.` : "",
  ];
  const note = said.filter(Boolean).join(" ");
  return note ? [charts, element("p", note, { class: "soft" })] : [charts];
}

/* Rows that a transfer helps or hurts. */

const two = (value) => value.toFixed(2).replace("-", "\u2212");

function casesTable(of, target, baseline, method) {
  const table = element("table");
  const texts = Object.keys(target.texts).length > 0;
  const answered = [...of.helped, ...of.hurt].some((each) => each.length > 3);
  const said = answered ? [`${baseline} answers`, `${method} answers`] : [];
  const names = ["", "row", ...(texts ? ["text", "right"] : []), ...said, baseline, method];
  const head = table.createTHead().insertRow();
  names.forEach((name) => head.append(element("th", name, { scope: "col" })));
  const body = table.createTBody();
  for (const [effect, cases, style] of [["helped", of.helped, "up"], ["hurt", of.hurt, "down"]]) {
    for (const [item, before, after, ...answers] of cases) {
      const row = body.insertRow();
      row.append(element("th", effect, { scope: "row", class: style }), element("td", String(item)));
      const [asked, right] = target.texts[item] ?? ["", ""];
      if (texts) row.append(element("td", asked, { class: "free" }), element("td", right, { class: "free said" }));
      for (const text of answers) row.append(element("td", text, { class: "free said" }));
      row.append(element("td", two(before)), element("td", two(after)));
    }
  }
  return table;
}

function cases(backbone, method, sources, targetName, baseline) {
  const of = data("cases").cells[backbone]?.[method]?.[sources]?.[targetName];
  if (of === undefined) return [];
  const target = data("cases").targets[targetName];
  const counted = `Of ${of.items} dev rows, ${of.better} are better than with ${baseline} and ${of.worse} worse, by the mean over ${of.seeds} seeds.`;
  const shown = `Shown are those that change most; the numbers: ${target.what}.`;
  const absence = target.absence ? ` No texts: ${target.absence}.` : "";
  const table = element("div", "", { class: "scroll cases" });
  table.append(casesTable(of, target, baseline, method));
  return [element("h4", "Rows that it helps and hurts"), element("p", `${counted} ${shown}${absence}`, { class: "soft" }), table];
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
  const compared = `gain over ${baseline || "prompt tuning"} with the same seed, in points`;
  const cost = "seconds: its part of its stack's; peak GiB: of the stack";
  const measure = element("p", `${backbone}; ${cells[0].measure} in percent; ${compared}; ${cost}`, { class: "soft" });
  const table = element("div", "", { class: "scroll" });
  table.append(seedsTable(cells, before));
  const parts = [title, measure, table, ...runsNote(), ...curves(cells, before, baseline), ...cases(backbone, method, sources, target, baseline)];
  drawer.replaceChildren(close, ...parts);
  drawer.scrollTop = 0;
  drawer.showModal();
}

function runsNote() {
  const page = drawer.dataset.runsPage;
  return page ? [element("p", `A key opens its run in MLflow, while that answers at ${new URL(page).host}.`, { class: "soft" })] : [];
}

