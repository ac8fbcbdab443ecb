"use strict";
// Sorting: a button in each head; numbers by value, texts by the alphabet, what is not known last.
const orderOf = (row, i) => row.cells[i].dataset.order;
const numberOf = (text) => (text === "" ? NaN : Number(text.replace(/^(-?)inf$/, "$1Infinity")));
const compare = (a, b) => {
  const x = numberOf(a), y = numberOf(b);
  if (!Number.isNaN(x) && !Number.isNaN(y)) return x === y ? 0 : x - y;
  return a.localeCompare(b);
};
const sort = (table, i) => {
  const heads = [...table.tHead.rows[0].cells], body = table.tBodies[0];
  const sign = heads[i].getAttribute("aria-sort") === "ascending" ? -1 : 1;
  const rows = [...body.rows];
  const known = rows.filter((row) => orderOf(row, i) !== undefined);
  const unknown = rows.filter((row) => orderOf(row, i) === undefined);
  known.sort((a, b) => sign * compare(orderOf(a, i), orderOf(b, i)));
  body.append(...known, ...unknown);
  heads.forEach((head) => head.setAttribute("aria-sort", "none"));
  heads[i].setAttribute("aria-sort", sign > 0 ? "ascending" : "descending");
};
for (const table of document.querySelectorAll("table.sortable")) {
  [...table.tHead.rows[0].cells].forEach((head, i) => {
    const button = document.createElement("button");
    button.type = "button";
    button.append(...head.childNodes);
    button.addEventListener("click", () => sort(table, i));
    head.append(button);
    head.setAttribute("aria-sort", "none");
  });
}
// A figure as a file: dark on nothing, whatever the page's colours are.
for (const button of document.querySelectorAll("button.svg")) {
  button.hidden = false;
  button.addEventListener("click", () => {
    const svg = button.closest("figure").querySelector("svg").cloneNode(true);
    svg.setAttribute("color", "#000000");
    const text = new XMLSerializer().serializeToString(svg);
    const link = document.createElement("a");
    link.href = URL.createObjectURL(new Blob([text], { type: "image/svg+xml" }));
    link.download = button.dataset.name;
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 1000);
  });
}
