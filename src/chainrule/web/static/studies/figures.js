// Figures in SVG, drawn from what the server says stands where.
import { inUnit } from "./curves.js";
import { h, s } from "./dom.js";

const ROW = 26;

const frame = (caption, svg) => h("figure", {},
  caption ? h("figcaption", {}, caption) : null,
  h("div", { class: "scroll wide", tabindex: 0, role: "region", "aria-label": caption || "figure" }, svg));

/** Round steps between two numbers. */
const ticksBetween = (low, high) => {
  const rough = (high - low) / 5 || 1, power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((n) => n * power).find((n) => n >= rough);
  const ticks = [];
  for (let n = Math.ceil(low / step); n * step <= high; n += 1) ticks.push(n * step);
  return ticks;
};

/** Rows with a name at the left, over one horizontal axis from `low` to `high`. */
const drawRows = (names, low, high, unit, label, drawRow) => {
  const widest = Math.max(...names.map((name) => name.length));
  const left = Math.min(240, 20 + 7.2 * widest), width = 760, right = width - 16;
  const margin = 0.03 * (high - low) || 0.5;
  const x = (value) => left + ((value - low + margin) / (high - low + 2 * margin)) * (right - left);
  const bottom = ROW * names.length + 8;
  const short = (name) => (name.length > 32 ? `${name.slice(0, 31)}…` : name);
  return s("svg", { viewBox: `0 0 ${width} ${bottom + 44}`, class: "chart", role: "img", "aria-label": label },
    ticksBetween(low, high).map((tick) => s("g", { class: "tick" },
      s("line", { x1: x(tick), x2: x(tick), y1: 4, y2: bottom }),
      s("text", { x: x(tick), y: bottom + 16, "text-anchor": "middle" }, inUnit(tick, { ...unit, suffix: "" }).replace(/\.0+$/, "")))),
    s("text", { x: (left + right) / 2, y: bottom + 36, "text-anchor": "middle" }, label),
    names.map((name, i) => s("g", {},
      s("text", { x: left - 10, y: ROW * i + 22, "text-anchor": "end" }, short(name), s("title", {}, name)),
      drawRow(i, x, ROW * i + 18))));
};

/** The rounds of each arm: a point each. */
export const drawPoints = ({ data, styles, means, caption }) => {
  const all = data.boxes.flatMap((box) => box.rounds.map((round) => round.position));
  const low = Math.min(...all), high = Math.max(...all), { unit } = data;
  const label = unit.suffix ? `${data.label},${unit.suffix}` : data.label;
  const names = data.boxes.map((box) => box.arm);
  return frame(caption, drawRows(names, low, high, unit, label, (i, x, y) => [
    data.boxes[i].rounds.map((round, r) => s("circle",
      { cx: x(round.position), cy: y + ((r % 3) - 1) * 4, r: 3.5, fill: round.diverged ? "none" : styles[i].color,
        stroke: styles[i].color, "fill-opacity": 0.7 },
      s("title", {}, `${names[i]}, ${inUnit(round.value, unit)}${round.diverged ? ", diverged" : ""}`))),
    means[i] === null || means[i] < low || means[i] > high ? null
      : s("line", { x1: x(means[i]), x2: x(means[i]), y1: y - 9, y2: y + 9, class: "mean" }),
  ]));
};

/** Mean differences with their intervals. */
export const drawIntervals = ({ data, caption }) => {
  const { lines, unit, label } = data;
  const ends = lines.flatMap((line) => [line.low, line.high, line.difference]).filter((x) => x !== null);
  const low = Math.min(0, ...ends), high = Math.max(0, ...ends);
  return frame(caption, drawRows(lines.map((line) => line.name), low, high, unit, label, (i, x, y) => {
    const line = lines[i], color = line.significant ? "var(--accent)" : "var(--quiet)";
    const bar = (from, to, width) => (from === null || to === null ? null
      : s("line", { x1: x(from), x2: x(to), y1: y, y2: y, stroke: color, "stroke-width": width }));
    return [
      s("line", { x1: x(0), x2: x(0), y1: y - ROW / 2, y2: y + ROW / 2, class: "zero" }),
      bar(line.low, line.high, 1.5), bar(line.plain_low, line.plain_high, 4),
      s("circle", { cx: x(line.difference), cy: y, r: 5, stroke: color, "stroke-width": 1.5,
        fill: line.significant ? color : "var(--back)" },
      s("title", {}, `${line.name}: ${inUnit(line.difference, { ...unit, suffix: unit.difference_suffix })}`)),
    ];
  }));
};

/** Arms by mean rank, and below them a bar over those that cannot be told apart. */
export const drawRanks = ({ data, caption }) => {
  const { arms, mean_ranks: ranks, bars } = data, unit = { scale: 1, decimals: 2, suffix: "" };
  const names = [...arms.map((arm, i) => `${arm}  ${ranks[i].toFixed(2)}`), ...bars.map(() => "not told apart")];
  return frame(caption, drawRows(names, 1, arms.length, unit, `mean rank over ${data.n} data sets (1 is best)`, (i, x, y) => (
    i < arms.length
      ? s("circle", { cx: x(ranks[i]), cy: y, r: 5, fill: "var(--accent)" }, s("title", {}, names[i]))
      : s("line", { x1: x(bars[i - arms.length][0]), x2: x(bars[i - arms.length][1]), y1: y, y2: y, stroke: "var(--warn)", "stroke-width": 5, "stroke-linecap": "round" }))));
};

/** A figure that the report has drawn. */
export const drawSvg = ({ data, caption }) => frame(caption, document.importNode(
  new DOMParser().parseFromString(data.svg, "image/svg+xml").documentElement, true));

/** A line a candidate across an axis for each searched path. */
export const drawParallel = ({ data, caption }) => {
  const { axes, lines } = data, width = 130 + 180 * (axes.length - 1), height = 300;
  const top = 40, bottom = height - 14, left = 65;
  const x = (i) => left + (i / Math.max(1, axes.length - 1)) * (width - 2 * left);
  const y = (place) => bottom - place * (bottom - top);
  const readout = h("p", { class: "readout", "aria-live": "polite" }, data.hidden ? `${data.hidden} more candidates are not drawn.` : " ");
  const paths = lines.map((line) => {
    const points = line.places.map((place, i) => (place === null ? null : `${x(i)},${y(place)}`));
    const good = 1 - line.rank / Math.max(1, lines.length - 1);
    const path = s("polyline", { points: points.filter((p) => p).join(" "), class: line.chosen ? "candidate chosen" : "candidate",
      "stroke-opacity": 0.15 + 0.75 * good }, s("title", {}, `${line.setting}: ${line.mean}`));
    path.addEventListener("pointerenter", () => {
      readout.textContent = `${line.rank + 1} of ${lines.length}: ${line.setting}: ${line.mean}${line.chosen ? ", chosen" : ""}`;
    });
    return path;
  }).reverse();
  const svg = s("svg", { viewBox: `0 0 ${width} ${height}`, width, height, class: "chart parallel", role: "img", "aria-label": caption },
    paths,
    axes.map((axis, i) => s("g", { class: "axis" },
      s("line", { x1: x(i), x2: x(i), y1: top, y2: bottom }),
      s("text", { x: x(i), y: 24, "text-anchor": "middle" }, axis.title),
      axis.ticks.map(([place, text]) => s("text", { x: x(i) + 5, y: y(place) + 4, class: "tick-label" }, text)))));
  const figure = frame(caption, svg);
  figure.append(readout);
  figure.classList.add("parallels");
  return figure;
};

/** Images that were decided wrongly, with what is said of each. */
export const drawImages = ({ data }) => h("div", { class: "images" }, data.images.map((image, i) => {
  const canvas = h("canvas", { height: image.length, width: image[0].length, role: "img",
    "aria-label": data.titles[i].join(", ") });
  const context = canvas.getContext("2d"), pixels = context.createImageData(canvas.width, canvas.height);
  image.flat().forEach((pixel, p) => {
    const [r, g, b] = Array.isArray(pixel) ? pixel : [pixel, pixel, pixel];
    pixels.data.set([255 * r, 255 * g, 255 * b, 255], 4 * p);
  });
  context.putImageData(pixels, 0, 0);
  return h("figure", { class: "sample" }, canvas, h("figcaption", {}, data.titles[i].map((line) => h("div", {}, line))));
}));
