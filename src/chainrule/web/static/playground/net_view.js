// A net as it is now, of one seed: each layer's units, its weights, and a line of numbers.

import { bytes, css, diverging, format, make, paint, percent, sequential, themeColor } from "./dom.js";
import { Cells } from "./cells.js";

const UNIT = 26;

export class NetView {
  // open(kind, details): a layer, a weight or a unit was chosen.
  constructor(place, description, open) {
    this.rows = description.layers.map((layer, i) => new LayerRow(layer, open, i === 0));
    place.replaceChildren(...this.rows.map((row) => row.element));
  }

  draw(side) {
    for (const row of this.rows) {
      row.draw(side.layers.find((each) => each.path === row.layer.path), side.units[row.layer.path], side.weights);
    }
  }
}

class LayerRow {
  constructor(layer, open) {
    this.layer = layer;
    this.numbers = make("span", { class: "numbers" });
    this.units = new Cells(`Units of layer ${layer.path}, ${layer.kind}`, {
      draw: (context, width, height) => this.drawUnits(context, width, height),
      pick: (r, c) => this.unitAt(r, c) < this.count && open("unit", { path: layer.path, unit: this.unitAt(r, c) }),
      describe: (r, c) => this.describeUnit(this.unitAt(r, c)),
    });
    this.weights = Object.keys(layer.parameters).map((name) => new Weight(layer, name, open));
    const title = make("button", { class: "layer", onclick: () => open("layer", { path: layer.path }) }, `${layer.path}: ${layer.layer}`);
    this.element = make("div", { class: "layer-row" },
      make("div", { class: "layer-head" }, title, this.numbers),
      make("div", { class: "scroll" }, this.units.canvas),
      ...this.weights.map((weight) => weight.element));
    this.count = 0;
  }

  unitAt(row, column) {
    return row * this.units.columns + column;
  }

  // All maps as one picture, and the page between them.
  drawUnits(context, width, height) {
    context.drawImage(this.sheet, 0, 0, width, height);
    context.fillStyle = css(themeColor("--back"));
    for (let c = 1; c <= this.units.columns; c++) context.fillRect(c * (UNIT + 2) - 2, 0, 2, height);
    for (let r = 1; r <= this.units.rows; r++) context.fillRect(0, r * (UNIT + 2) - 2, width, 2);
    const left = this.count % this.units.columns;
    if (left) context.fillRect(left * (UNIT + 2) - 2, height - UNIT - 2, width, UNIT + 2);
  }

  describeUnit(unit) {
    return unit < this.count ? `unit ${unit}, from ${format(this.data.low[unit])} to ${format(this.data.high[unit])}` : "";
  }

  draw(row, units, weights) {
    if (row) {
      const parts = [`spread ${format(row.std)}`];
      if (row.dead !== null) parts.push(`dead ${percent(row.dead)}`);
      if (row.flat !== null) parts.push(`saturated ${percent(row.flat)}`);
      if (row.dy !== null) parts.push(`‖dL/dy‖ ${format(row.dy, 2)}`);
      if (row.relative !== null) parts.push(`‖dL/dW‖/‖W‖ ${format(row.relative, 2)}`);
      this.numbers.textContent = parts.join(" · ");
    }
    this.units.canvas.hidden = !units;
    if (units) {
      this.data = units;
      this.count = units.low.length;
      const columns = Math.min(this.count, Math.max(4, Math.floor((this.element.clientWidth || 300) / (UNIT + 2))));
      this.sheet = paint(joinTiles(bytes(units.data), units.size, columns), columns * units.size, sequential());
      this.units.resize(Math.ceil(this.count / columns), columns, UNIT, UNIT, 2);
    }
    for (const weight of this.weights) weight.draw(weights[`${this.layer.path}.${weight.name}`]);
  }
}

// Tiles of size × size, one after the other, as one picture with so many in a row.
function joinTiles(data, size, columns) {
  const count = data.length / size ** 2;
  const sheet = new Uint8Array(Math.ceil(count / columns) * columns * size ** 2);
  for (let t = 0; t < count; t++) {
    const top = Math.floor(t / columns) * size, left = (t % columns) * size;
    for (let r = 0; r < size; r++) {
      sheet.set(data.subarray((t * size + r) * size, (t * size + r + 1) * size), (top + r) * columns * size + left);
    }
  }
  return sheet;
}

class Weight {
  constructor(layer, name, open) {
    this.name = name;
    this.shape = layer.parameters[name];
    this.path = `${layer.path}.${name}`;
    this.cells = new Cells(`${this.path}`, {
      draw: (context, width, height) => context.drawImage(this.picture, 0, 0, width, height),
      pick: (r, c) => open("weight", { path: this.path, index: this.index(r, c) }),
      describe: (r, c) => `[${this.index(r, c).join(", ")}], about ${format(this.value(r, c), 2)}`,
    });
    this.label = make("span", { class: "note" }, `${this.path} ${this.shape.join(" × ")}`);
    this.element = make("div", { class: "weight" }, this.label, make("div", { class: "scroll" }, this.cells.canvas));
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
    this.element.hidden = !image;
    if (!image) return;
    const data = bytes(image.data);
    this.limit = image.limit;
    this.turned = image.rows > image.columns;
    [this.rows, this.columns] = this.turned ? [image.columns, image.rows] : [image.rows, image.columns];
    this.bytes = this.turned ? data.map((_, i) => data[(i % image.rows) * image.columns + Math.floor(i / image.rows)]) : data;
    this.picture = paint(this.bytes, this.columns, diverging());
    const size = Math.max(3, Math.min(11, Math.floor((this.element.clientWidth || 300) / this.columns)));
    this.cells.resize(this.rows, this.columns, size, size);
    this.label.textContent = `${this.path} ${this.shape.join(" × ")}, to ± ${format(image.limit, 2)}`;
  }
}
