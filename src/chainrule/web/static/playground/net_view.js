// A net as it is now: each layer's units and weights of one seed, and a line of numbers of all seeds.

import { drawInView, format, isMissing, make, percent, setText, watchWidth, widthOf } from "./dom.js";
import { diverging, paint, sequential, surfaceOf } from "./paint.js";
import { Cells } from "./cells.js";
import { Entry } from "./entry.js";

const UNIT = 26, GAP = 2;

export class NetView {
  // open(kind, details): a layer, a weight or a unit was chosen.
  constructor(place, description, open) {
    this.rows = description.layers.map((layer) => new LayerRow(layer, open, () => widthOf(place) || 300));
    place.replaceChildren(...this.rows.map((row) => row.element));
    watchWidth(place, () => this.redraw());
  }

  draw(side) {
    for (const row of this.rows) row.draw(side);
  }

  redraw() {
    for (const row of this.rows) if (row.side) row.request();
  }
}

class LayerRow {
  constructor(layer, open, width) {
    Object.assign(this, { layer, width, count: 0 });
    this.numbers = make("span", { class: "numbers" });
    this.units = new Cells(`Units of layer ${layer.path}, ${layer.kind}`, {
      pick: (r, c) => this.unitAt(r, c) < this.count && open("unit", { path: layer.path, unit: this.unitAt(r, c) }),
      describe: (r, c) => this.describeUnit(this.unitAt(r, c)),
    });
    this.weights = Object.keys(layer.parameters).map((name) => new Weight(layer, name, open, width));
    this.more = make("div", {});
    this.openUnit = ([unit]) => open("unit", { path: layer.path, unit });
    const title = make("button", { class: "layer", onclick: () => open("layer", { path: layer.path }) }, `${layer.path}: ${layer.layer}`);
    this.element = make("div", { class: "layer-row" },
      make("div", { class: "layer-head" }, title, this.numbers),
      make("div", { class: "scroll" }, this.units.element), this.more,
      ...this.weights.map((weight) => weight.element));
    this.request = drawInView(this.element, () => this.drawNow());
  }

  unitAt(row, column) {
    return row * this.units.columns + column;
  }

  describeUnit(unit) {
    return unit < this.count ? `unit ${unit}, from ${format(this.data.low[unit])} to ${format(this.data.high[unit])}` : "";
  }

  draw(side) {
    this.side = side;
    this.request();
  }

  drawNow() {
    const { layers, units, weights } = this.side, { path } = this.layer;
    this.drawNumbers(layers, layers.paths.indexOf(path));
    this.units.element.hidden = !units[path];
    if (units[path]) this.drawUnits(units[path]);
    for (const weight of this.weights) weight.draw(weights[`${path}.${weight.name}`]);
  }

  // The means over the seeds.
  drawNumbers(layers, i) {
    if (i < 0) return;
    const shown = [["std", "spread", format], ["dead", "dead", percent], ["flat", "saturated", percent],
      ["dy", "‖dL/dy‖", (v) => format(v, 2)], ["relative", "‖dL/dW‖/‖W‖", (v) => format(v, 2)]];
    setText(this.numbers, shown.map(([name, label, write]) => [label, layers[name].mean[i], write])
      .filter(([, value]) => !isMissing(value)).map(([label, value, write]) => `${label} ${write(value)}`).join(" · "));
  }

  // All maps as one picture, with a clear line after each.
  drawUnits(data) {
    if (!this.more.hasChildNodes() && data.all > data.low.length) {
      this.more.append(new Entry(`The first ${data.low.length} of ${data.all.toLocaleString("en")} units.`, "Unit", [data.all], this.openUnit).element);
    }
    this.data = data;
    this.count = data.low.length;
    const { size } = data, step = size + 1;
    const columns = Math.min(this.count, Math.max(4, Math.floor(this.width() / (UNIT + GAP))));
    const rows = Math.ceil(this.count / columns);
    const { pixels, show } = surfaceOf(this.units.canvas, columns * step, rows * step);
    const table = sequential();
    let place = 0;
    for (let t = 0; t < this.count; t++) {
      const corner = Math.floor(t / columns) * step * columns * step + (t % columns) * step;
      for (let r = 0; r < size; r++) {
        const start = corner + r * columns * step;
        for (let c = 0; c < size; c++) pixels[start + c] = table[data.data[place++]];
      }
    }
    show();
    this.units.resize(rows, columns, UNIT, GAP);
    this.units.refresh();
  }
}

class Weight {
  constructor(layer, name, open, width) {
    Object.assign(this, { name, width });
    this.shape = layer.parameters[name];
    this.path = `${layer.path}.${name}`;
    this.open = (index) => open("weight", { path: this.path, index });
    this.cells = new Cells(`${this.path}`, {
      pick: (r, c) => this.open(this.index(r, c)),
      describe: (r, c) => `[${this.index(r, c).join(", ")}], about ${format(this.value(r, c), 2)}`,
    });
    this.label = make("span", { class: "note" });
    this.shown = make("div", { class: "scroll" }, this.cells.element);
    this.element = make("div", { class: "weight" }, this.label, this.shown);
  }

  // What is drawn at a place: the longer side of a weight lies across.
  value(row, column) {
    return (this.bytes[row * this.columns + column] / 127.5 - 1) * this.limit;
  }

  // The entry (o, i, …) of the parameter that is drawn there.
  index(row, column) {
    let [output, place] = this.turned ? [column, row] : [row, column];
    const rest = [];
    for (const size of this.shape.slice(1).reverse()) {
      rest.unshift(place % size);
      place = Math.floor(place / size);
    }
    return [output, ...rest];
  }

  draw(image) {
    if (!image) {
      this.nameEntries();
      return;
    }
    const { data, rows, columns, limit } = image;
    this.limit = limit;
    this.turned = rows > columns;
    [this.rows, this.columns] = this.turned ? [columns, rows] : [rows, columns];
    this.bytes = this.turned ? data.map((_, i) => data[(i % rows) * columns + Math.floor(i / rows)]) : data;
    paint(this.cells.canvas, this.bytes, this.columns, diverging());
    this.cells.resize(this.rows, this.columns, Math.max(3, Math.min(11, Math.floor((this.width() - 14) / this.columns))));
    this.cells.refresh();
    setText(this.label, `${this.path} ${this.shape.join(" × ")}, to ± ${format(limit, 2)}`);
  }

  // Of a weight that is too large to be drawn: any entry, by its place.
  nameEntries() {
    if (this.entry) return;
    const said = `${this.path} ${this.shape.join(" × ")}: too many to draw; those of one unit are shown with it.`;
    this.entry = new Entry(said, `Entry of ${this.path}`, this.shape, this.open);
    this.element.replaceChildren(this.entry.element);
  }
}
