// One strip of all layers by epoch: what each does, as colour, with the band over the seeds.

import { drawInView, format, isMissing, make, select, setAttribute, setText, watchWidth, widthOf } from "./dom.js";
import { sequential, surfaceOf } from "./paint.js";

const QUANTITIES = {
  dy: "‖dL/dy‖, the gradient of each output",
  relative: "‖dL/dW‖ / ‖W‖, the gradient against the weight",
  std: "spread of the outputs",
  dead: "share of dead units (ReLU)",
  flat: "share of saturated outputs (Sigmoid, Tanh)",
};

const LOGARITHMIC = new Set(["dy", "relative", "std"]);

const ROW = 20;
const LINES = ["high", "mean", "mean", "low", null]; // of a row, from the top: null is the page
const MAX_FRAMES = 2000;

export class Strip {
  constructor(place, seek, seeds) {
    Object.assign(this, { quantity: "dy", whose: "mean", seed: 0, seek });
    this.canvas = make("canvas", { role: "img", class: "pixels" });
    this.mark = make("span", { class: "mark" });
    this.names = make("div", { class: "strip-names" });
    this.field = make("div", { class: "strip-field", tabindex: "0", role: "application",
      "aria-label": "The strip. Arrow keys read off a layer and an epoch, Enter goes there." }, this.canvas, this.mark);
    this.last = make("span", {});
    this.scaleNote = make("p", { class: "note" });
    this.note = make("p", { class: "note readout", "aria-live": "polite" });
    this.field.onkeydown = (event) => this.press(event);
    this.field.onmousemove = (event) => this.read(event);
    this.field.onmouseleave = () => setText(this.note, "");
    this.field.onclick = (event) => this.frames.length && this.seek(this.at(event).frame.epoch);
    const choose = (label, choices, key) => select(label, Object.entries(choices), this[key], (value) => {
      this[key] = value;
      this.request();
    });
    this.body = make("div", { class: "strip" }, this.names, this.field);
    place.replaceChildren(
      make("div", { class: "actions" }, choose("What the strip shows", QUANTITIES, "quantity"),
        choose("Of which seeds", { mean: "all seeds", seed: "the chosen seed" }, "whose"), seeds.add("Seed")),
      this.body, make("p", { class: "note strip-ends" }, make("span", {}, "epoch 0"), this.last), this.scaleNote, this.note);
    this.clear();
    this.request = drawInView(this.body, () => this.drawNow());
    watchWidth(this.field, () => this.drawNow());
  }

  clear() {
    this.frames = [];
    this.limits = {};
    this.shown = 0;
    this.cell = { frame: Infinity, row: 0 }; // where the arrow keys are
  }

  add(epoch, sides, seed) {
    this.shown = sides[0].epoch;
    this.seed = seed;
    if (this.shown === epoch && this.frames.at(-1)?.epoch !== epoch) {
      const numbers = sides.map((side) => side.layers);
      this.frames.push({ epoch, numbers });
      for (const name of LOGARITHMIC) {
        for (const { [name]: found } of numbers) {
          this.widen(`mean ${name}`, found.low, found.high);
          this.widen(`seed ${name}`, found.seeds);
        }
      }
      if (this.frames.length > MAX_FRAMES) this.frames = this.frames.filter((_, i) => i % 2);
    }
    this.request();
  }

  // The least and the largest number that there was.
  widen(name, ...arrays) {
    const limits = (this.limits[name] ??= { low: Infinity, high: 0 });
    for (const value of arrays.flatMap((array) => [...array])) {
      if (!(value > 0)) continue;
      if (value < limits.low) limits.low = value;
      if (value > limits.high) limits.high = value;
    }
  }

  // Layers that have the quantity, in the order of the nets.
  rows() {
    const { numbers } = this.frames.at(-1);
    return numbers.flatMap(({ paths, layers }, side) => paths.map((path, i) => (
      { side, i, count: paths.length, name: `${numbers.length > 1 ? ["1st ", "2nd "][side] : ""}${path} ${layers[i]}` })))
      .filter((row) => [this.frames[0], this.frames.at(-1)].some((frame) => !isMissing(this.value(frame, row, "mean"))));
  }

  value(frame, { side, i, count }, line) {
    const numbers = frame.numbers[side][this.quantity];
    return this.whose === "mean" ? numbers[line][i] : numbers.seeds[i * (numbers.seeds.length / count) + this.seed];
  }

  // Value → byte.
  scale() {
    if (!LOGARITHMIC.has(this.quantity)) return (value) => 255 * value;
    const { low, high } = this.limits[`${this.whose} ${this.quantity}`];
    const least = Math.log(low), span = Math.log(high / low) || 1;
    return (value) => (value > 0 ? Math.max(15, 15 + (240 * (Math.log(value) - least)) / span) : 0);
  }

  drawNow() {
    const width = Math.round(widthOf(this.field));
    if (!width || !this.frames.length) return;
    const rows = this.rows(), last = this.frames.at(-1).epoch;
    const names = rows.map((row) => row.name).join("\n");
    setText(this.last, String(last));
    if (this.labels !== names) {
      this.labels = names;
      this.names.replaceChildren(...rows.map((row) => make("span", { title: row.name }, row.name)));
      this.canvas.style.height = `${ROW * rows.length}px`;
    }
    this.body.hidden = !rows.length;
    setText(this.scaleNote, rows.length ? this.explain() : "No layer of this net has it.");
    if (!rows.length) return;
    setAttribute(this.canvas, "aria-label", `${QUANTITIES[this.quantity]}, by layer and epoch. ${this.explain()}`);
    this.paintRows(rows, width, last);
    this.mark.style.transform = `translateX(${(this.shown / Math.max(1, last)) * (width - 2)}px)`;
  }

  paintRows(rows, width, last) {
    const { pixels, show } = surfaceOf(this.canvas, width, rows.length * LINES.length);
    const table = sequential(), scale = this.scale();
    const frames = this.framesByPoint(width, last);
    rows.forEach((row, r) => LINES.forEach((line, l) => {
      if (line === null) return;
      const start = (r * LINES.length + l) * width;
      let known = null, color = 0;
      for (let x = 0; x < width; x++) {
        if (frames[x] !== known) {
          known = frames[x];
          const value = this.value(known, row, line);
          color = isMissing(value) ? 0 : table[Math.max(0, Math.min(255, Math.round(scale(value))))];
        }
        pixels[start + x] = color;
      }
    }));
    show();
  }

  // Which frame each point across shows: the first that is not before its epoch.
  framesByPoint(width, last) {
    let f = 0;
    return Array.from({ length: width }, (_, x) => {
      const epoch = ((x + 0.5) / width) * last;
      while (f < this.frames.length - 1 && this.frames[f].epoch < epoch) f++;
      return this.frames[f];
    });
  }

  explain() {
    const whose = this.whose === "mean" ? "The mean over the seeds; above it in each row their 90th percentile, below it the 10th. " : `Seed ${this.seed}. `;
    if (!LOGARITHMIC.has(this.quantity)) return `${whose}From 0 % (faint) to 100 % (strong).`;
    const { low, high } = this.limits[`${this.whose} ${this.quantity}`];
    if (!high) return `${whose}All are 0.`;
    return `${whose}From ${format(low)} (faint) to ${format(high)} (strong), in steps of equal factors.`;
  }

  at(event) {
    const box = this.field.getBoundingClientRect(), rows = this.rows();
    const epoch = ((event.clientX - box.left) / box.width) * this.frames.at(-1).epoch;
    const frame = this.frames.find((each) => each.epoch >= epoch) ?? this.frames.at(-1);
    return { frame, row: rows[Math.min(rows.length - 1, Math.max(0, Math.floor((event.clientY - box.top) / ROW)))] };
  }

  read(event) {
    if (this.frames.length && !this.body.hidden) this.tell(this.at(event));
  }

  press(event) {
    const move = { ArrowUp: [0, -1], ArrowDown: [0, 1], ArrowLeft: [-1, 0], ArrowRight: [1, 0], Enter: [0, 0] }[event.key];
    if (!move || !this.frames.length || this.body.hidden) return;
    event.preventDefault();
    const rows = this.rows(), within = (x, count) => Math.max(0, Math.min(count - 1, x));
    this.cell = { frame: within(within(this.cell.frame, this.frames.length) + move[0], this.frames.length), row: within(this.cell.row + move[1], rows.length) };
    const frame = this.frames[this.cell.frame];
    this.tell({ frame, row: rows[this.cell.row] });
    if (event.key === "Enter") this.seek(frame.epoch);
  }

  tell({ frame, row }) {
    const { side, i, count } = row;
    const { seeds, mean, low, high } = frame.numbers[side][this.quantity];
    const own = seeds[i * (seeds.length / count) + this.seed];
    setText(this.note, `${row.name}, epoch ${frame.epoch}: mean ${format(mean[i])} (${format(low[i])} to ${format(high[i])}), seed ${this.seed} ${format(own)}`);
  }
}
