// Tables whose heads sort: the best first, then the other way round, then as they came.
import { h } from "./dom.js";

const compare = (a, b) => {
  if (typeof a === "number" && typeof b === "number") return a - b;
  return String(a).localeCompare(String(b), undefined, { numeric: true });
};

const sortRows = (rows, column, sign) => {
  const known = rows.filter((row) => row[column].order !== null);
  const unknown = rows.filter((row) => row[column].order === null);
  known.sort((a, b) => sign * compare(a[column].order, b[column].order));
  return [...known, ...unknown];
};

const showRow = (row, columns) => h("tr", {}, row.map((cell, i) => h(
  i === 0 ? "th" : "td",
  { scope: i === 0 ? "row" : null, class: columns[i].numeric ? "number" : (cell.text ?? "").length > 40 ? "long" : null },
  cell.content ?? cell.text,
)));

/**
 * A table in a box that scrolls. `columns`: title, numeric, best ("high" or "low": what the
 * first click brings to the top), without a title a label for who hears the page; `rows`: cells
 * of text (or content) and order; `memory` keeps the order that was asked for from one drawing to
 * the next.
 */
export const sortableTable = (columns, rows, label, memory) => {
  const body = h("tbody");
  const heads = columns.map((column, i) => h(
    "th",
    { scope: "col", class: column.numeric ? "number" : null },
    column.title === "" ? h("span", { class: "unseen" }, column.label) : h("button", { type: "button", onclick: () => turn(i) }, column.title),
  ));
  const show = () => {
    const { column = null, sign = 1 } = memory;
    const sorted = column === null ? rows : sortRows(rows, column, sign);
    body.replaceChildren(...sorted.map((row) => showRow(row, columns)));
    heads.forEach((head, i) => head.setAttribute(
      "aria-sort", i !== column ? "none" : sign > 0 ? "ascending" : "descending",
    ));
  };
  const turn = (i) => {
    const first = columns[i].best === "high" ? -1 : 1;
    if (memory.column !== i) Object.assign(memory, { column: i, sign: first });
    else if (memory.sign === first) memory.sign = -first;
    else memory.column = null;
    show();
  };
  show();
  return h(
    "div", { class: "scroll wide", tabindex: 0, role: "region", "aria-label": label },
    h("table", { "aria-label": label }, h("thead", {}, h("tr", {}, heads)), body),
  );
};
