// Loss and accuracy by epoch: the mean of the seeds, a band, and each seed while one points there.

import uPlot from "../vendor/uPlot.esm.js";
import { css, format, make, themeColor } from "./dom.js";

const SIDES = ["--side-0", "--side-1"];

export class Curves {
  constructor(place, sides) {
    this.sides = sides;
    this.epochs = [];
    this.rows = Array.from({ length: sides }, () => ({}));
    this.charts = [];
    this.place = place;
    place.replaceChildren();
    new ResizeObserver(() => this.resize()).observe(place);
  }

  // Append what is new; curves of epoch `from` + 1, + 2, … in each side.
  add(from, curves) {
    curves.forEach((side, s) => {
      for (const [name, curve] of Object.entries(side)) {
        const known = (this.rows[s][name] ??= { seeds: [], mean: [], low: [], high: [] });
        for (const key of Object.keys(known)) {
          known[key].length = Math.min(known[key].length, from);
          known[key].push(...curve[key]);
        }
      }
    });
    const longest = Math.max(0, ...this.rows.flatMap((side) => Object.values(side).map((c) => c.mean.length)));
    this.epochs = Array.from({ length: longest }, (_, i) => i + 1);
    if (!longest) return;
    if (!this.charts.length) this.build();
    this.charts.forEach((chart) => chart.setData(this.data(chart.what)));
  }

  build() {
    const names = [...new Set(this.rows.flatMap((side) => Object.keys(side)))];
    const kinds = [...new Set(names.map((name) => name.replace(/^(train|test)_/, "")))];
    this.charts = kinds.map((what) => this.chart(what));
    this.resize();
  }

  data(what) {
    const columns = [this.epochs];
    for (const side of this.rows) {
      const test = side[`test_${what}`] ?? { low: [], high: [], mean: [] };
      const train = side[`train_${what}`] ?? { mean: [] };
      columns.push(...[test.high, test.low, test.mean, train.mean].map((c) => this.epochs.map((_, i) => c[i] ?? null)));
    }
    return columns;
  }

  chart(what) {
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
    const axis = () => ({
      stroke: () => css(themeColor("--quiet")),
      grid: { stroke: () => css(themeColor("--line")), width: 0.6 },
      ticks: { stroke: () => css(themeColor("--line")), width: 0.6 },
      font: "11px system-ui, sans-serif",
    });
    const note = make("p", { class: "note readout" });
    const holder = make("div", { class: "chart", role: "img", "aria-label": `${what} by epoch` });
    this.place.append(make("figure", {}, make("figcaption", {}, `${what === "loss" ? "Loss" : "Accuracy"}: test solid, training dashed; the band holds 80 % of the seeds`), holder, note));
    const chart = new uPlot(
      {
        width: 300, height: 170, legend: { show: false },
        scales: { x: { time: false }, y: what === "accuracy" ? { range: (u, low, high) => [Math.min(low, 0.95), Math.max(high, 1)] } : {} },
        axes: [{ ...axis(), size: 26 }, { ...axis(), size: 46 }],
        cursor: { y: false, points: { show: false } },
        series, bands,
        hooks: {
          draw: [(u) => this.drawSeeds(u, what)],
          setCursor: [(u) => { this.read(u, what, note); u.redraw(false); }],
        },
      },
      this.data(what), holder,
    );
    chart.what = what;
    return chart;
  }

  // Every seed as a thin line, the one nearest to the pointer stronger.
  drawSeeds(u, what) {
    const { idx, top } = u.cursor;
    if (idx === null || idx === undefined || u.cursor.left < 0) return;
    const context = u.ctx;
    const { s: side, k: nearest } = this.nearest(u, what, idx, top);
    context.save();
    context.beginPath();
    context.rect(u.bbox.left, u.bbox.top, u.bbox.width, u.bbox.height);
    context.clip();
    context.setLineDash([]);
    this.rows.forEach((rows, s) => {
      const seeds = rows[`test_${what}`]?.seeds ?? [];
      for (let k = 0; k < (seeds[0]?.length ?? 0); k++) {
        const chosen = s === side && k === nearest;
        context.strokeStyle = css(themeColor(SIDES[s]), chosen ? 1 : 0.25);
        context.lineWidth = (chosen ? 2 : 0.8) * devicePixelRatio;
        context.beginPath();
        seeds.forEach((row, i) => {
          if (row[k] === null) return;
          context.lineTo(u.valToPos(i + 1, "x", true), u.valToPos(row[k], "y", true));
        });
        context.stroke();
      }
    });
    context.restore();
  }

  nearest(u, what, idx, top) {
    let best = { s: -1, k: -1, distance: Infinity };
    this.rows.forEach((rows, s) => {
      (rows[`test_${what}`]?.seeds[idx] ?? []).forEach((value, k) => {
        if (value === null) return;
        const distance = Math.abs(u.valToPos(value, "y") - top);
        if (distance < best.distance) best = { s, k, distance, value };
      });
    });
    return best;
  }

  read(u, what, note) {
    const { idx, top, left } = u.cursor;
    if (idx === null || idx === undefined || left < 0) {
      note.textContent = this.summary(what, this.epochs.length - 1);
      return;
    }
    const { s, k, value } = this.nearest(u, what, idx, top);
    const seed = k >= 0 ? `; seed ${k}${this.sides > 1 ? [" of the first", " of the second"][s] : ""}: ${format(value)}` : "";
    note.textContent = this.summary(what, idx) + seed;
  }

  summary(what, i) {
    const parts = this.rows.map((side, s) => {
      const test = side[`test_${what}`], train = side[`train_${what}`];
      const name = this.sides > 1 ? ["first: ", "second: "][s] : "";
      return `${name}test ${format(test?.mean[i])} (${format(test?.low[i])} to ${format(test?.high[i])}), train ${format(train?.mean[i])}`;
    });
    return `epoch ${i + 1}: ${parts.join("; ")}`;
  }

  // The mean training loss after the last epoch, or null: what a test of the page reads.
  get lastLoss() {
    return this.rows[0].train_loss?.mean.at(-1) ?? null;
  }

  resize() {
    const width = this.place.clientWidth;
    if (!width) return;
    for (const chart of this.charts) chart.setSize({ width: Math.max(200, width - 2), height: 170 });
  }

  refresh() {
    this.charts.forEach((chart) => {
      if (chart.cursor.left < 0 || chart.cursor.left === undefined) {
        chart.root.closest("figure").querySelector(".readout").textContent = this.summary(chart.what, this.epochs.length - 1);
      }
    });
  }
}
