// Loss and accuracy by epoch: the mean of the seeds, a band, and each seed while one points there.

import uPlot from "../vendor/uPlot.esm.js";
import { drawInView, format, isMissing, make, setText, watchWidth, widthOf } from "./dom.js";
import { css, themeColor } from "./paint.js";

const SIDES = ["--side-0", "--side-1"];
const HEIGHT = 170;

// Curves of the sides, epoch by epoch, as uPlot takes them: null where there is no number.
class History {
  constructor() {
    this.seeds = []; // a row an epoch
    this.mean = [];
    this.low = [];
    this.high = [];
  }

  // Those of epoch from + 1, from + 2, …
  add(from, { seeds, mean, low, high }) {
    const K = seeds.length / mean.length;
    for (const [key, numbers] of Object.entries({ mean, low, high })) {
      this[key].length = Math.min(this[key].length, from);
      for (const value of numbers) this[key].push(isMissing(value) ? null : value);
    }
    this.seeds.length = Math.min(this.seeds.length, from);
    for (let e = 0; e < mean.length; e++) this.seeds.push(seeds.subarray(e * K, (e + 1) * K));
  }
}

export class Curves {
  // pick(seed): a seed was chosen.
  constructor(place, sides, pick) {
    Object.assign(this, { place, pick, epochs: [], seed: 0 });
    this.rows = Array.from({ length: sides }, () => ({}));
    this.charts = [];
    place.replaceChildren();
    watchWidth(place, () => this.resize());
  }

  add(from, curves) {
    curves.forEach((side, s) => {
      for (const [name, curve] of Object.entries(side)) (this.rows[s][name] ??= new History()).add(from, curve);
    });
    const longest = Math.max(0, ...this.rows.flatMap((side) => Object.values(side).map((c) => c.mean.length)));
    while (this.epochs.length < longest) this.epochs.push(this.epochs.length + 1);
    if (longest && !this.charts.length) this.build();
  }

  // What came in since, drawn at once.
  draw(seed) {
    this.seed = seed;
    for (const chart of this.charts) chart.request();
  }

  build() {
    const names = [...new Set(this.rows.flatMap((side) => Object.keys(side)))];
    const kinds = [...new Set(names.map((name) => name.replace(/^(train|test)_/, "")))];
    this.charts = kinds.map((what) => new Chart(this, what));
    this.resize();
  }

  // The mean training loss after the last epoch, or null: what a test of the page reads.
  get lastLoss() {
    return this.rows[0].train_loss?.mean.at(-1) ?? null;
  }

  resize() {
    const width = widthOf(this.place);
    if (width) for (const chart of this.charts) chart.plot.setSize({ width: Math.max(200, width - 2), height: HEIGHT });
  }

  recolor() {
    for (const chart of this.charts) chart.plot.redraw();
  }
}

class Chart {
  constructor(curves, what) {
    Object.assign(this, { curves, what, sides: curves.rows.length });
    const title = what === "loss" ? "Loss" : "Accuracy";
    this.note = make("p", { class: "note readout" });
    const holder = make("div", { class: "chart", role: "img", "aria-label": `${what} by epoch` });
    curves.place.append(make("figure", {}, make("figcaption", {}, `${title}: test solid, training dashed; the band holds 80 % of the seeds.`), holder, this.note));
    this.plot = new uPlot(this.options(), this.data(), holder);
    let pressed = 0;
    this.plot.over.addEventListener("mousedown", (event) => (pressed = event.clientX));
    this.plot.over.addEventListener("click", (event) => Math.abs(event.clientX - pressed) < 4 && this.choose());
    this.request = drawInView(holder, () => {
      this.plot.setData(this.data());
      if (!this.isPointed) this.summarize(this.curves.epochs.length - 1);
    });
  }

  data() {
    const { epochs, rows } = this.curves;
    const columns = rows.flatMap((side) => {
      const test = side[`test_${this.what}`], train = side[`train_${this.what}`];
      return [test?.high, test?.low, test?.mean, train?.mean].map((column) => column ?? []);
    });
    return [epochs, ...columns];
  }

  options() {
    const series = [{ label: "epoch" }];
    const bands = [];
    for (let s = 0; s < this.sides; s++) {
      const stroke = () => css(themeColor(SIDES[s]));
      const name = this.sides > 1 ? ["first ", "second "][s] : "";
      const first = series.length;
      const hidden = { stroke: "transparent", points: { show: false }, width: 0 };
      series.push({ ...hidden, label: `${name}90 %` }, { ...hidden, label: `${name}10 %` });
      series.push({ label: `${name}test`, stroke, width: 2, points: { show: false } });
      series.push({ label: `${name}train`, stroke, width: 1.2, dash: [5, 4], points: { show: false } });
      bands.push({ series: [first, first + 1], fill: () => css(themeColor(SIDES[s]), 0.18) });
    }
    const axis = {
      stroke: () => css(themeColor("--quiet")),
      grid: { stroke: () => css(themeColor("--line")), width: 0.6 },
      ticks: { stroke: () => css(themeColor("--line")), width: 0.6 },
      font: "11px system-ui, sans-serif",
    };
    return {
      width: 300, height: HEIGHT, legend: { show: false }, series, bands,
      scales: { x: { time: false }, y: this.what === "accuracy" ? { range: (u, low, high) => [Math.min(low, 0.95), Math.max(high, 1)] } : {} },
      axes: [{ ...axis, size: 26 }, { ...axis, size: 46 }],
      cursor: { y: false, points: { show: false } },
      hooks: { draw: [() => this.drawSeeds()], setCursor: [() => this.point()] },
    };
  }

  get isPointed() {
    const { idx, left } = this.plot.cursor;
    return idx !== null && idx !== undefined && left >= 0;
  }

  point() {
    const { isPointed } = this;
    if (isPointed || this.wasPointed) this.plot.redraw(false);
    this.wasPointed = isPointed;
    if (!isPointed) {
      this.summarize(this.curves.epochs.length - 1);
      return;
    }
    const { s, k, value } = this.nearest();
    const of = this.sides > 1 ? [" of the first", " of the second"][s] : "";
    this.summarize(this.plot.cursor.idx, k >= 0 ? `; seed ${k}${of}: ${format(value)}, a click shows its units` : "");
  }

  choose() {
    const { k } = this.isPointed ? this.nearest() : { k: -1 };
    if (k >= 0) this.curves.pick(k);
  }

  // Every seed as a thin line, the one nearest to the pointer stronger.
  drawSeeds() {
    if (!this.plot || !this.isPointed) return;
    const u = this.plot, context = u.ctx, { s: side, k: nearest } = this.nearest();
    context.save();
    context.beginPath();
    context.rect(u.bbox.left, u.bbox.top, u.bbox.width, u.bbox.height);
    context.clip();
    context.setLineDash([]);
    this.curves.rows.forEach((rows, s) => {
      const seeds = rows[`test_${this.what}`]?.seeds ?? [];
      for (let k = 0; k < (seeds[0]?.length ?? 0); k++) {
        const chosen = s === side && k === nearest;
        context.strokeStyle = css(themeColor(SIDES[s]), chosen ? 1 : 0.25);
        context.lineWidth = (chosen ? 2 : 0.8) * devicePixelRatio;
        context.beginPath();
        seeds.forEach((row, i) => {
          if (!isMissing(row[k])) context.lineTo(u.valToPos(i + 1, "x", true), u.valToPos(row[k], "y", true));
        });
        context.stroke();
      }
    });
    context.restore();
  }

  nearest() {
    const { idx, top } = this.plot.cursor;
    let best = { s: -1, k: -1, distance: Infinity };
    this.curves.rows.forEach((rows, s) => {
      (rows[`test_${this.what}`]?.seeds[idx] ?? []).forEach((value, k) => {
        if (isMissing(value)) return;
        const distance = Math.abs(this.plot.valToPos(value, "y") - top);
        if (distance < best.distance) best = { s, k, distance, value };
      });
    });
    return best;
  }

  summarize(i, more = "") {
    if (i < 0) return;
    const parts = this.curves.rows.map((side, s) => {
      const test = side[`test_${this.what}`], train = side[`train_${this.what}`];
      const name = this.sides > 1 ? ["first: ", "second: "][s] : "";
      const { seed } = this.curves;
      const own = more ? "" : `, seed ${seed} ${format(test?.seeds[i]?.[seed])}`;
      return `${name}test ${format(test?.mean[i])} (${format(test?.low[i])} to ${format(test?.high[i])})${own}, train ${format(train?.mean[i])}`;
    });
    setText(this.note, `epoch ${i + 1}: ${parts.join("; ")}${more}`);
  }
}
