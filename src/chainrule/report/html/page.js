"use strict";
// What is kept in the page as gzip has it, in letters.
const unpack = (letters) => {
  const bytes = Uint8Array.from(atob(letters), (letter) => letter.charCodeAt(0));
  return new Response(new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip")));
};
const save = (blob, name) => {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(blob);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 1000);
};
const canUnpack = "DecompressionStream" in window; // where it is not: files end in .gz, and tables are cut
// A file that is compressed in the page is saved as what it is.
for (const link of canUnpack ? document.querySelectorAll("a[download$='.gz']") : []) {
  link.addEventListener("click", async (event) => {
    event.preventDefault();
    save(await unpack(link.href.split("base64,")[1]).blob(), link.download.slice(0, -3));
  });
}
// A long table begins with its first rows; the others come when they are asked for, or to sort.
const restOf = (table) => (canUnpack ? document.querySelector(`.rest[data-of="${table.id}"]`) : null);
const numberRows = (table) => [...table.tBodies[0].rows].forEach((row, i) => { row.dataset.place ??= i; });
const showRest = async (table, rest) => {
  rest.remove();
  table.tBodies[0].insertAdjacentHTML("beforeend", await unpack(rest.dataset.rest).text());
  numberRows(table);
};
// Sorting: a button in each head, whose first click brings the best to the top, the second the
// worst; a third one restores. Numbers go by value, texts by the alphabet, what is not known last.
const orderOf = (row, i) => row.cells[i].dataset.order ?? row.cells[i].textContent;
const numberOf = (text) => (text === "" ? NaN : Number(text.replace(/^(-?)inf$/, "$1Infinity")));
const compare = (a, b) => {
  const x = numberOf(a), y = numberOf(b);
  if (!Number.isNaN(x) && !Number.isNaN(y)) return x === y ? 0 : x - y;
  return a.localeCompare(b);
};
const sort = (table, i, sign) => {
  const heads = [...table.tHead.rows[0].cells], body = table.tBodies[0];
  const rows = [...body.rows];
  if (sign === 0) {
    body.append(...rows.sort((a, b) => a.dataset.place - b.dataset.place));
  } else {
    const known = rows.filter((row) => orderOf(row, i) !== "");
    const unknown = rows.filter((row) => orderOf(row, i) === "");
    known.sort((a, b) => sign * compare(orderOf(a, i), orderOf(b, i)));
    body.append(...known, ...unknown);
  }
  heads.forEach((head) => head.setAttribute("aria-sort", "none"));
  if (sign !== 0) heads[i].setAttribute("aria-sort", sign > 0 ? "ascending" : "descending");
};
const nextSign = (head) => {
  const first = head.dataset.best === "high" ? -1 : 1;
  const now = { none: 0, ascending: 1, descending: -1 }[head.getAttribute("aria-sort")];
  return now === 0 ? first : now === first ? -first : 0;
};
const turn = async (table, head, i) => {
  const rest = restOf(table);
  if (rest) await showRest(table, rest);
  sort(table, i, nextSign(head));
};
for (const table of document.querySelectorAll("table.sortable")) {
  numberRows(table);
  const rest = restOf(table);
  if (rest) {
    rest.querySelector("button").hidden = false;
    rest.querySelector("button").addEventListener("click", () => showRest(table, rest));
  }
  [...table.tHead.rows[0].cells].forEach((head, i) => {
    const button = document.createElement("button");
    button.type = "button";
    button.append(...head.childNodes);
    button.addEventListener("click", () => turn(table, head, i));
    head.append(button);
    head.setAttribute("aria-sort", "none");
  });
}
// Curves: a name in the key switches its line, that of a group all of its lines; the pointer reads
// off what is nearest to it. Bands of more than six lines would hide each other.
const MOST_BANDS = 6, REACH = 40;
const asButton = (element, press) => {
  element.setAttribute("tabindex", "0");
  element.setAttribute("role", "button");
  element.addEventListener("click", press);
  element.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" && event.key !== " ") return;
    event.preventDefault();
    press();
  });
};
const inUnit = (x, [scale, decimals]) => (x === null ? "–" : (scale * x).toFixed(decimals));
const readOff = (curve, epoch, unit) => {
  const i = curve.epochs.indexOf(epoch);
  const std = curve.stds === null ? "" : ` ± ${inUnit(curve.stds[i], unit)}`;
  return `${curve.name}, epoch ${epoch}: ${inUnit(curve.means[i], unit)}${std}${unit[2]}`;
};
for (const svg of document.querySelectorAll("svg[data-told]")) {
  const { unit, left, width, epochs, curves } = JSON.parse(svg.dataset.told);
  const lines = [...svg.querySelectorAll(".curve")], keys = [...svg.querySelectorAll(".key")];
  const readout = document.createElement("p");
  const off = new Set();
  svg.setAttribute("role", "group"); // a picture has no buttons in it
  readout.className = "readout";
  readout.setAttribute("role", "status");
  readout.textContent = "Point at a curve to read it off; a name in the key switches its curve.";
  svg.closest("figure").querySelector("figcaption").before(readout);
  const show = () => {
    lines.forEach((line, i) => { line.style.display = off.has(i) ? "none" : ""; });
    keys.forEach((key, i) => {
      key.style.opacity = off.has(i) ? 0.35 : 1;
      key.setAttribute("aria-pressed", !off.has(i));
    });
    svg.classList.toggle("many", lines.length - off.size > MOST_BANDS);
  };
  const tell = (i, epoch) => {
    lines.forEach((line, j) => line.classList.toggle("near", i === j));
    svg.classList.toggle("told", i !== null);
    if (i !== null) readout.textContent = readOff(curves[i], epoch, unit);
  };
  keys.forEach((key, i) => {
    asButton(key, () => { if (!off.delete(i)) off.add(i); show(); });
    key.addEventListener("focus", () => tell(i, curves[i].epochs.at(-1)));
    key.addEventListener("blur", () => tell(null, null));
  });
  for (const group of svg.querySelectorAll(".group")) {
    const members = group.dataset.curves.split(" ").map(Number);
    asButton(group, () => {
      const all = members.every((i) => off.has(i));
      members.forEach((i) => (all ? off.delete(i) : off.add(i)));
      show();
    });
  }
  svg.addEventListener("pointermove", (event) => {
    const spot = new DOMPoint(event.clientX, event.clientY).matrixTransform(svg.getScreenCTM().inverse());
    const wanted = epochs[0] + ((spot.x - left) / width) * (epochs[1] - epochs[0]);
    let near = { far: REACH };
    curves.forEach((curve, i) => {
      if (off.has(i) || curve.epochs.length === 0) return;
      const epoch = curve.epochs.reduce((a, b) => (Math.abs(b - wanted) < Math.abs(a - wanted) ? b : a));
      const y = curve.y[curve.epochs.indexOf(epoch)];
      const far = y === null ? REACH : Math.abs(y - spot.y);
      if (far < near.far) near = { far, i, epoch };
    });
    if (near.far < REACH) tell(near.i, near.epoch);
  });
  svg.addEventListener("pointerleave", () => tell(null, null));
  show();
}
// A figure as a file: dark on nothing, whatever the page's colours are.
for (const button of document.querySelectorAll("button.svg")) {
  button.hidden = false;
  button.addEventListener("click", () => {
    const svg = button.closest("figure").querySelector("svg").cloneNode(true);
    svg.setAttribute("color", "#000000");
    const text = new XMLSerializer().serializeToString(svg);
    save(new Blob([text], { type: "image/svg+xml" }), button.dataset.name);
  });
}
