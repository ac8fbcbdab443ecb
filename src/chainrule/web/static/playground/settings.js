// The form on the left: what is in it is the setting, and the setting is what is in it.

import { field, make, numberInput, option, select } from "./dom.js";

const CLASSES = "classification";

export class Settings {
  // changed(setting): something else was chosen.
  constructor(place, catalog, changed) {
    Object.assign(this, { place, catalog, changed });
    this.kind = CLASSES;
    this.columns = [];
  }

  show(setting) {
    this.setting = setting;
    const sides = setting.sides.map((side, s) => this.side(side, s));
    const compare = setting.sides.length === 1
      ? make("button", { onclick: () => this.compare() }, "+ A second setting, side by side")
      : null;
    this.place.replaceChildren(this.data(), ...sides, ...(compare ? [compare] : []));
  }

  change(redraw = true) {
    if (redraw) this.show(this.setting);
    this.changed(this.setting);
  }

  compare() {
    this.setting.sides.push(structuredClone(this.setting.sides[0]));
    this.change();
  }

  data() {
    const { data } = this.setting;
    const source = data.name === "plane_points" ? data.problem : data.name;
    const choices = [
      ...this.catalog.problems.map((name) => [name, name]),
      ["digit_images", "digits"],
      ["table", "a CSV file …"],
    ];
    const parts = [
      field("Data", select("Data", choices, source, (name) => this.chooseData(name))),
      field("Seeds", numberInput("Seeds", this.setting.seeds, { min: 1, max: 64, step: 1 }, (n) => { this.setting.seeds = n; this.change(false); })),
    ];
    if (data.name === "table") parts.push(...this.table(data));
    else {
      const most = data.name === "digit_images" ? 2500 : 5000;
      for (const [name, text] of [["train", "Training samples"], ["test", "Test samples"]]) {
        parts.push(field(text, numberInput(text, data[name], { min: 2, max: most, step: 1 }, (n) => { data[name] = n; this.change(false); })));
      }
    }
    return make("fieldset", {}, make("legend", {}, "Data and seeds"), ...parts);
  }

  chooseData(name) {
    const { setting } = this;
    const images = name === "digit_images";
    if (images) setting.data = { name, train: 500, test: 500, standardize: "all" };
    else if (name === "table") {
      setting.data = { name, csv: this.catalog.csv_files[0] ?? "", target: "", standardize: "feature", missing: "median" };
      this.show(setting);
      if (setting.data.csv) this.readColumns();
      return;
    } else setting.data = { name: "plane_points", problem: name, train: 500, test: 500, standardize: "feature" };
    this.fitLoss(CLASSES);
    if (!images) this.dropImageLayers();
    this.change();
  }

  // Convolutions take images alone: without them, the net that a page begins with.
  dropImageLayers() {
    for (const side of this.setting.sides) {
      const hasImages = side.net.layers?.some((layer) => /2d$|^Flatten/.test([].concat(layer)[0]));
      if (hasImages) side.net.layers = structuredClone(this.catalog.start.sides[0].net.layers);
    }
  }

  fitLoss(kind) {
    this.kind = kind;
    const known = this.catalog.losses[kind];
    for (const side of this.setting.sides) if (!known.includes(side.loss.name)) side.loss = { name: known[0] };
  }

  table(data) {
    const list = make("datalist", { id: "csv-files" }, ...this.catalog.csv_files.map((name) => option(name, name)));
    const path = make("input", { type: "text", list: "csv-files", value: data.csv, "aria-label": "CSV file", placeholder: "rows.csv" });
    path.onchange = () => { data.csv = path.value; this.readColumns(); };
    const columns = this.columns.map(({ name, kind }) => [name, `${name} (${kind === CLASSES ? "classes" : "numbers"})`]);
    const parts = [field("File, from where the app was started", make("span", {}, path, list))];
    if (this.said) parts.push(make("p", { class: "error" }, this.said));
    if (columns.length) parts.push(field("What to tell", select("What to tell", [["", "choose a column"], ...columns], data.target, (name) => this.chooseTarget(name))));
    return parts;
  }

  async readColumns() {
    const { data } = this.setting;
    const answer = await fetch(`/playground/columns?csv=${encodeURIComponent(data.csv)}`);
    const found = await answer.json();
    this.said = answer.ok ? "" : found.message;
    this.columns = found.columns ?? [];
    this.show(this.setting);
  }

  chooseTarget(name) {
    const { data } = this.setting;
    const kind = this.columns.find((column) => column.name === name)?.kind;
    if (!kind) return;
    data.target = name;
    delete data.sha256;
    if (kind === CLASSES) delete data.standardize_target;
    else data.standardize_target = true;
    this.fitLoss(kind);
    this.dropImageLayers();
    this.change();
  }

  side(side, s) {
    const two = this.setting.sides.length > 1;
    const { catalog } = this;
    const own = side.net.name.includes(":") || side.net.name.includes(".py");
    const optimizer = side.optimizer;
    const losses = catalog.losses[this.kind].map((name) => [name, name]);
    const inits = [["", "PyTorch's"], ...catalog.inits.map((name) => [name, name])];
    const remove = two
      ? make("button", { onclick: () => { this.setting.sides.splice(s, 1); this.change(); } }, "Remove this setting")
      : null;
    const kinds = [["layers", "layers"], ["own", "file.py:function"]];
    return make("fieldset", { class: `side-${s}` },
      make("legend", {}, two ? ["First setting", "Second setting"][s] : "Net and training"),
      field("Net", select("Net", kinds, own ? "own" : "layers", (kind) => {
        side.net = kind === "own" ? { name: "nets.py:net" } : structuredClone(catalog.start.sides[0].net);
        if (kind === "own") this.show(this.setting);
        else this.change();
      })),
      own ? this.ownNet(side) : this.layers(side),
      field("First weights", select("First weights", inits, side.init?.name ?? "", (name) => {
        if (name) side.init = name === "Normal" ? { name, std: 0.1 } : { name };
        else delete side.init;
        this.change();
      })),
      field("Loss", select("Loss", losses, side.loss.name, (name) => { side.loss = { name }; this.change(); })),
      field("Optimizer", select("Optimizer", Object.keys(catalog.optimizers).map((name) => [name, name]), optimizer.name, (name) => {
        side.optimizer = { name, lr: catalog.optimizers[name] };
        this.change();
      })),
      field("Learning rate", numberInput("Learning rate", optimizer.lr, { min: 0, step: "any" }, (lr) => { optimizer.lr = lr; this.change(false); })),
      optimizer.name === "SGD" ? field("Momentum", numberInput("Momentum", optimizer.momentum ?? 0, { min: 0, max: 0.999, step: "any" }, (momentum) => {
        optimizer.momentum = momentum;
        if (!momentum) delete optimizer.momentum;
        this.change(false);
      })) : null,
      field("Batch", numberInput("Batch", side.batch_size, { min: 1, max: 5000, step: 1 }, (n) => { side.batch_size = n; this.change(false); })),
      remove);
  }

  ownNet(side) {
    const input = make("input", { type: "text", value: side.net.name, "aria-label": "Function that makes the net" });
    input.onchange = () => { side.net = { name: input.value.trim() }; this.change(false); };
    return field("Function that makes the net", input);
  }

  layers(side) {
    const { layers } = side.net;
    const list = make("ol", { class: "layers", "aria-label": "Layers, from the input on" });
    layers.forEach((layer, i) => list.append(this.layer(side, layer, i)));
    list.append(make("li", { class: "fixed" }, "Linear, to the outputs"));
    const groups = [["Layers", Object.keys(this.catalog.layers)], ["Activations", this.catalog.activations]];
    const add = make("select", { "aria-label": "Add a layer" }, option("", "+ Add a layer", true),
      ...groups.map(([label, names]) => make("optgroup", { label }, ...names.map((name) => option(name, name)))));
    add.onchange = () => { layers.push(this.newLayer(add.value)); this.change(); };
    const used = layers.find((layer) => this.isActivation(layer));
    const all = select("Activation of all layers", this.catalog.activations.map((name) => [name, name]), used, (name) => {
      layers.forEach((layer, i) => { if (this.isActivation(layer)) layers[i] = name; });
      this.change();
    });
    return make("div", {}, used ? field("Activation", all) : null, list, add);
  }

  isActivation(layer) {
    return typeof layer === "string" && this.catalog.activations.includes(layer);
  }

  newLayer(name) {
    const limits = this.catalog.layers[name] ?? [];
    return limits.length ? [name, ...limits.map((each) => each.value)] : name;
  }

  layer(side, layer, i) {
    const { layers } = side.net;
    const [name, ...values] = [].concat(layer);
    const inputs = (this.catalog.layers[name] ?? []).map((limits, a) => {
      const { min, max, step } = limits;
      return numberInput(`${limits.name} of layer ${i + 1}, ${name}`, values[a], { min, max, step }, (value) => {
        layers[i] = [name, ...values.with(a, value)];
        this.change(false);
      });
    });
    const move = (to) => {
      layers.splice(to, 0, ...layers.splice(i, 1));
      this.change();
    };
    const button = (text, label, action, disabled = false) => make("button", { "aria-label": `${label} layer ${i + 1}, ${name}`, title: label, onclick: action, disabled }, text);
    const item = make("li", { draggable: "true" }, make("span", { class: "grip", "aria-hidden": "true" }, "⠿"), make("span", { class: "name" }, name), ...inputs,
      button("↑", "Move up", () => move(i - 1), i === 0),
      button("↓", "Move down", () => move(i + 1), i === layers.length - 1),
      button("✕", "Remove", () => { layers.splice(i, 1); this.change(); }));
    item.ondragstart = (event) => { event.dataTransfer.setData("text/plain", String(i)); this.dragged = { layers, i }; };
    item.ondragover = (event) => this.dragged?.layers === layers && event.preventDefault();
    item.ondrop = (event) => {
      event.preventDefault();
      layers.splice(i, 0, ...layers.splice(this.dragged.i, 1));
      this.change();
    };
    item.ondragend = () => (this.dragged = null);
    return item;
  }
}
