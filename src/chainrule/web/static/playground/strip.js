// One strip of all layers by epoch: what each does, as colour.

import { css, format, make, mix, prepare, select, themeColor } from "./dom.js";

export const QUANTITIES = {
  dy: "‖dL/dy‖, the gradient of each output",
  relative: "‖dL/dW‖ / ‖W‖, the gradient against the weight",
  std: "spread of the outputs",
  dead: "share of dead units (ReLU)",
  flat: "share of saturated outputs (Sigmoid, Tanh)",
};

const LOGARITHMIC = new Set(["dy", "relative", "std"]);

const ROW = 16;
const MARGIN = 96;

export class Strip {
  constructor(place, seek) {
    this.quantity = "dy";
    this.seek = seek;
    this.canvas = make("canvas", { role: "img", class: "strip" });
    this.note = make("p", { class: "note readout" });
    this.canvas.onmousemove = (event) => this.read(event);
    this.canvas.onmouseleave = () => this.say();
    this.canvas.onclick = (event) => this.frames.length && this.seek(this.at(event).frame.epoch);
    const choose = select("What the strip shows", Object.entries(QUANTITIES), this.quantity, (value) => {
      this.quantity = value;
      this.draw();
    });
    place.replaceChildren(choose, this.canvas, this.note);
    this.place = place;
    this.clear();
    new ResizeObserver(() => this.draw()).observe(place);
  }

  clear() {
    this.frames = [];
    this.shown = 0;
  }

  add(epoch, sides) {
    this.shown = sides[0].epoch;
    if (sides[0].epoch === epoch && this.frames.at(-1)?.epoch !== epoch) {
      this.frames.push({ epoch, rows: sides.flatMap((side, s) => side.layers.map((row) => ({ ...row, side: s }))) });
    }
    this.draw();
  }

  // Layers that have the quantity, in the order of the net.
  names() {
    const rows = this.frames.at(-1)?.rows ?? [];
    const several = rows.some((row) => row.side);
    return rows
      .map((row, i) => ({ i, name: `${several ? ["1st ", "2nd "][row.side] : ""}${row.path} ${row.layer}` }))
      .filter(({ i }) => this.frames.some((frame) => this.value(frame, i) !== null));
  }

  value(frame, i) {
    return frame.rows[i]?.[this.quantity] ?? null;
  }

  scale() {
    const values = this.frames.flatMap((frame) => frame.rows.map((_, i) => this.value(frame, i)))
      .filter((v) => v !== null && (v > 0 || !LOGARITHMIC.has(this.quantity)));
    if (!LOGARITHMIC.has(this.quantity)) return { low: 0, high: 1, share: (v) => v };
    const low = Math.min(...values), high = Math.max(...values);
    const span = Math.log(high / low) || 1;
    return { low, high, share: (v) => (v > 0 ? 0.06 + (0.94 * Math.log(v / low)) / span : 0) };
  }

  draw() {
    const width = this.place.clientWidth;
    if (!width || !this.frames.length) return;
    const names = this.names();
    const context = prepare(this.canvas, width, Math.max(1, names.length) * ROW + 18);
    const [cold, hot] = ["--panel", "--heat"].map(themeColor);
    context.font = "11px system-ui, sans-serif";
    context.textBaseline = "middle";
    if (!names.length) {
      context.fillStyle = css(themeColor("--quiet"));
      context.fillText("No layer of this net has it.", 0, ROW / 2);
      this.note.textContent = "";
      return;
    }
    const { share } = this.scale();
    const last = this.frames.at(-1).epoch, room = width - MARGIN;
    this.x = (epoch) => MARGIN + (epoch / Math.max(1, last)) * room;
    names.forEach(({ i, name }, r) => {
      context.fillStyle = css(themeColor("--text"));
      context.fillText(name, 0, r * ROW + ROW / 2, MARGIN - 6);
      this.frames.forEach((frame, f) => {
        const value = this.value(frame, i);
        const left = this.x(f ? this.frames[f - 1].epoch : 0);
        context.fillStyle = value === null ? css(themeColor("--back")) : css(mix(cold, hot, share(value)));
        context.fillRect(left, r * ROW, Math.max(1, this.x(frame.epoch) - left + 0.5), ROW - 1);
      });
    });
    context.fillStyle = css(themeColor("--quiet"));
    context.fillText("epoch 0", MARGIN, names.length * ROW + 9);
    context.textAlign = "right";
    context.fillText(String(last), width, names.length * ROW + 9);
    context.textAlign = "left";
    context.strokeStyle = css(themeColor("--text"));
    context.beginPath();
    context.moveTo(this.x(this.shown), 0);
    context.lineTo(this.x(this.shown), names.length * ROW);
    context.stroke();
    this.say();
  }

  say() {
    const { low, high } = this.scale();
    this.note.textContent = LOGARITHMIC.has(this.quantity)
      ? `From ${format(low)} (light) to ${format(high)} (dark), in steps of equal factors.`
      : "From 0 % (light) to 100 % (dark).";
    this.canvas.setAttribute("aria-label", `${QUANTITIES[this.quantity]}, by layer and epoch. ${this.note.textContent}`);
  }

  at(event) {
    const box = this.canvas.getBoundingClientRect();
    const names = this.names();
    const epoch = ((event.clientX - box.left - MARGIN) / (box.width - MARGIN)) * this.frames.at(-1).epoch;
    const frame = this.frames.find((each) => each.epoch >= epoch) ?? this.frames.at(-1);
    const row = names[Math.min(names.length - 1, Math.max(0, Math.floor((event.clientY - box.top) / ROW)))];
    return { frame, row };
  }

  read(event) {
    if (!this.frames.length || !this.names().length) return;
    const { frame, row } = this.at(event);
    this.note.textContent = `${row.name}, epoch ${frame.epoch}: ${format(this.value(frame, row.i))}`;
  }
}
