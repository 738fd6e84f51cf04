/* Keys in the grid, and what makes tables and cells answer. */

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
saving.addEventListener("click", () => {
  const { columns, rows } = data("finished");
  save("scores.csv", [columns, ...rows.map((row) => row.map((value) => value ?? ""))]);
});
