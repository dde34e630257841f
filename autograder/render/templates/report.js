"use strict";
// Sortable tables, and a filter for the submissions. All content is readable without this script.
for (const table of document.querySelectorAll("table.sortable")) {
  const body = table.tBodies[0];
  const original = [...body.rows];
  const heads = [...table.tHead.rows[0].cells];
  const value = (row, column) => {
    const cell = row.cells[column];
    return cell.dataset.value !== undefined ? Number(cell.dataset.value) : cell.textContent.trim();
  };
  const compare = (one, other) =>
    typeof one === "number" && typeof other === "number"
      ? one - other
      : String(one).localeCompare(String(other), "en", { numeric: true, sensitivity: "base" });
  heads.forEach((head, column) => {
    if (head.dataset.sort === undefined) return;
    const button = document.createElement("button");
    button.type = "button";
    button.append(...head.childNodes);
    head.append(button);
    button.addEventListener("click", () => {
      // First click: numbers descending, text ascending. Second click: reversed. Third click: original order.
      const ways = head.dataset.sort === "number" ? ["descending", "ascending"] : ["ascending", "descending"];
      const next = ways[ways.indexOf(head.getAttribute("aria-sort")) + 1];
      for (const other of heads) other.removeAttribute("aria-sort");
      const rows = [...original];
      if (next !== undefined) {
        head.setAttribute("aria-sort", next);
        const sign = next === "ascending" ? 1 : -1;
        const values = new Map(rows.map((row) => [row, value(row, column)]));
        rows.sort((a, b) => sign * compare(values.get(a), values.get(b)));
      }
      body.append(...rows);
    });
  });
}
const filter = document.querySelector(".filter");
if (filter !== null) {
  const rows = [...document.querySelector("#submissions-table").tBodies[0].rows];
  const texts = rows.map((row) => row.textContent.toLowerCase());
  const box = filter.querySelector("input");
  const count = filter.querySelector("output");
  filter.hidden = false;
  box.addEventListener("input", () => {
    const wanted = box.value.toLowerCase().split(/\s+/).filter(Boolean);
    let shown = 0;
    rows.forEach((row, place) => {
      row.hidden = !wanted.every((word) => texts[place].includes(word));
      shown += row.hidden ? 0 : 1;
    });
    count.textContent = wanted.length ? `${shown} of ${rows.length} shown` : "";
  });
}
