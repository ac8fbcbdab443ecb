// The blocks of a study's page, each by its kind.
import { drawCurves } from "./curves.js";
import { h } from "./dom.js";
import { drawImages, drawIntervals, drawParallel, drawPoints, drawRanks, drawSvg } from "./figures.js";
import { sortableTable } from "./table.js";

const cellsOf = (row) => row.map(([text, order]) => ({ text, order }));

const drawTable = (block, memory) => h("section", { class: "block" },
  h("p", { class: "caption" }, block.caption),
  sortableTable(block.columns, block.cells.map(cellsOf), block.caption, memory),
  block.notes.map((note) => h("p", { class: "note" }, note)));

/** A square of counts: the more of its row a cell has, the darker it is. */
const drawConfusion = (block, memory) => {
  const drawn = drawTable(block, memory);
  const shade = () => drawn.querySelectorAll("tbody tr").forEach((row) => {
    const counts = [...row.cells].slice(2, -1), numbers = counts.map((cell) => Number(cell.textContent));
    const most = Math.max(1, ...numbers);
    counts.forEach((cell, i) => cell.style.setProperty("--share", `${Math.round(100 * numbers[i] / most)}%`));
  });
  drawn.classList.add("confusion");
  shade();
  drawn.addEventListener("click", shade);
  return drawn;
};

const drawCode = (block) => h("pre", { class: "scroll", tabindex: 0 }, block.text.split("\n").map((line) => h(
  "span", { class: !block.diff ? null : line.startsWith("+") ? "added" : line.startsWith("-") ? "gone" : null }, `${line}\n`)));

const drawFacts = (block) => h("section", { class: "block" }, h("h2", {}, block.title),
  h("dl", {}, block.facts.flatMap(([name, text]) => [h("dt", {}, name), h("dd", {}, text)])));

const DRAW = {
  heading: (block) => h("h2", {}, block.text),
  text: (block) => h("p", { class: block.quiet ? "note" : null }, block.text),
  table: drawTable,
  confusion: drawConfusion,
  code: drawCode,
  facts: drawFacts,
  curves: drawCurves,
  points: drawPoints,
  intervals: drawIntervals,
  parallel: drawParallel,
  images: drawImages,
  ranks: drawRanks,
  svg: drawSvg,
};

/** The blocks, drawn. `memory`: key → what was sorted or switched; `own`: kind → another drawing. */
export const drawBlocks = (blocks, memory, own = {}) => blocks.map((block, i) => {
  const key = `${block.kind}-${block.name ?? block.data?.quantity ?? block.data?.arm ?? i}`;
  const kept = memory.get(key) ?? {};
  memory.set(key, kept);
  return (own[block.kind] ?? DRAW[block.kind])(block, kept);
});
