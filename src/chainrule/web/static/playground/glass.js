// Dialogs that look into the net: a layer as it is written, a weight's gradient, a unit.

import { Cells } from "./cells.js";
import { format, make } from "./dom.js";
import { css, diverging, makePicture, paint, prepare, sequential, themeColor } from "./paint.js";

const STRONGEST = 10;

export class Glass {
  // ask(kind, details): look at something else; seeds: the choices of a seed.
  constructor(dialog, ask, seeds) {
    Object.assign(this, { dialog, ask, seeds });
    dialog.addEventListener("click", (event) => event.target === dialog && dialog.close());
  }

  open(title, ...children) {
    const close = make("button", { class: "close", "aria-label": "Close", onclick: () => this.dialog.close() }, "✕");
    const wasChoosing = this.dialog.querySelector(".seed-choice :focus") !== null;
    this.dialog.replaceChildren(make("header", {}, make("h2", { id: "glass-title" }, title), close), ...children.filter(Boolean));
    if (!this.dialog.open) this.dialog.showModal();
    if (wasChoosing) this.dialog.querySelector(".seed-choice select")?.focus();
    this.dialog.scrollTop = 0;
    this.reachLongLines();
  }

  // What scrolls sideways is scrolled by keys too.
  reachLongLines() {
    for (const text of this.dialog.querySelectorAll("pre, .math.block")) text.tabIndex = 0;
  }

  // Of whose net this is; another one's takes its place.
  seedChoice(kind, details) {
    return make("p", {}, this.seeds.add("Of seed", () => this.ask(kind, details)));
  }

  answer(message) {
    ({ layer: () => this.layer(message), weight: () => this.weight(message), unit: () => this.unit(message), code: () => this.code(message) })[message.to]?.();
  }

  layer({ label, formula, sources, derivation }) {
    const code = sources.map(({ name, source }) => [make("h3", {}, make("code", {}, name)), make("pre", {}, source)]).flat();
    const place = make("div", { class: "derivation" });
    const open = async () => {
      const answer = await fetch(`/playground/derivations/${derivation}`);
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      place.replaceChildren(...page.body.childNodes);
      this.reachLongLines();
    };
    this.open(label,
      make("h3", {}, "Formula"), make("pre", { class: "text" }, formula),
      make("h3", {}, "Forward and backward, as they stand in the package"), ...code,
      derivation ? make("button", { onclick: open }, `The derivation: ${derivation}`) : null, place);
  }

  weight(found) {
    const { side, path, index, value, grad, sum, difference, terms, factors, samples, targets, inputs, batch, step } = found;
    const distance = Math.abs(sum - difference);
    const rows = [
      [`Σ of the ${batch} terms`, sum], ["what backward adds to grad", grad],
      [`(L(w + h) − L(w − h)) / 2h, h = ${step.toExponential(0)}`, difference], ["distance of the last two", distance, (number) => (number ? number.toExponential(1) : "0")],
    ].map(([name, number, write = (x) => x.toPrecision(9)]) => make("tr", {}, make("th", { scope: "row" }, name), make("td", { class: "number" }, write(number))));
    const table = make("table", { class: "sums", "data-sum": sum, "data-grad": grad, "data-difference": difference }, make("tbody", {}, ...rows));
    const order = terms.map((_, n) => n).sort((a, b) => Math.abs(terms[b]) - Math.abs(terms[a])).slice(0, STRONGEST);
    const heads = ["sample", ...(inputs ? ["x₁, x₂"] : []), "target", ...(factors ? ["dL/dy of the unit", "input of the weight"] : []), "term"];
    const lines = order.map((n) => make("tr", {},
      ...[samples[n], ...(inputs ? [inputs[n].map((v) => format(v)).join(", ")] : []), format(targets[n]), ...(factors ? [format(factors.g[n]), format(factors.x[n])] : []), format(terms[n])]
        .map((cell) => make("td", { class: "number" }, String(cell)))));
    this.open(`${path}[${index.join(", ")}] = ${format(value, 4)}`,
      this.seedChoice("weight", { side, path, index }),
      make("p", {}, `dL/dw for the batch that comes next, in float64: each sample of the ${batch} adds its term`,
        factors ? ", dL/dy of the weight's unit times the weight's input." : "; the layer's chain rule gives it."),
      this.bars(terms), table,
      distance > 1e-6 ? make("p", { class: "note" }, "They differ: a kink of an activation lies within the step, or the step is too long for so curved a loss.") : null,
      make("h3", {}, `The ${order.length} largest terms`),
      make("div", { class: "scroll", tabindex: 0, role: "region", "aria-label": "the largest terms" }, make("table", {}, make("thead", {}, make("tr", {}, ...heads.map((head) => make("th", { class: "number" }, head)))), make("tbody", {}, ...lines))));
  }

  bars(terms) {
    const canvas = make("canvas", { role: "img", "aria-label": `${terms.length} terms, from ${format(Math.min(...terms))} to ${format(Math.max(...terms))}` });
    const width = 460, height = 110;
    const context = prepare(canvas, width, height);
    const most = Math.max(...terms.map(Math.abs)) || 1;
    terms.forEach((term, n) => {
      context.fillStyle = css(themeColor(term < 0 ? "--class-0" : "--class-1"));
      const size = (term / most) * (height / 2 - 4);
      context.fillRect((n * width) / terms.length, height / 2 - Math.max(0, size), Math.max(1, width / terms.length - 1), Math.abs(size));
    });
    context.fillStyle = css(themeColor("--quiet"));
    context.fillRect(0, height / 2, width, 1);
    return make("figure", {}, canvas, make("figcaption", {}, "The term of each sample of the batch, in its order"));
  }

  unit({ path, unit, map, images, weights, mean, zeros, side }) {
    const parts = [make("p", {}, `Over the first training samples it gives ${format(mean)} on average; it is 0 for ${Math.round(100 * zeros)} % of them.`)];
    if (map) parts.push(make("figure", {}, makePicture(map.data, map.size, 240, sequential(), "what the unit gives over the plane"),
      make("figcaption", {}, `Over the plane, from ${format(map.low[0])} (faint) to ${format(map.high[0])} (strong)`)));
    if (weights) parts.push(make("figure", {}, this.weights(weights, unit, side),
      make("figcaption", {}, `The weights that lead to it, to ± ${format(weights.limit)}: click one`)));
    if (images) parts.push(make("figure", {}, make("div", { class: "images" }, ...images.map((image) => makePicture(image.data, image.width, 56, sequential(), "a training image"))),
      make("figcaption", {}, "The training images that move it most")));
    this.open(`Unit ${unit} of layer ${path}`, this.seedChoice("unit", { side, path, unit }), make("div", { class: "pair" }, ...parts.slice(1)), parts[0]);
  }

  // The weights of a unit, each to be looked at.
  weights(image, unit, side) {
    const index = (r, c) => {
      let place = r * image.columns + c;
      const entry = [];
      for (const size of [...image.shape].reverse()) {
        entry.unshift(place % size);
        place = Math.floor(place / size);
      }
      return [unit, ...entry];
    };
    const cells = new Cells(image.path, {
      pick: (r, c) => this.ask("weight", { side, path: image.path, index: index(r, c) }),
      describe: (r, c) => `[${index(r, c).join(", ")}]`,
    });
    const size = Math.max(4, Math.min(24, Math.floor(252 / image.columns)));
    paint(cells.canvas, image.data, image.columns, diverging());
    cells.resize(image.rows, image.columns, size);
    return make("div", { class: "scroll" }, cells.element);
  }

  code({ python, toml }) {
    const block = (title, text, name) => {
      const said = make("span", { class: "note", role: "status" });
      const copy = async () => { await navigator.clipboard.writeText(text); said.textContent = " copied"; };
      const url = URL.createObjectURL(new Blob([text], { type: "text/plain" }));
      return [make("h3", {}, title), make("p", {}, make("button", { onclick: copy }, "Copy"), " ", make("a", { href: url, download: name }, `Save as ${name}`), said), make("pre", { class: name.split(".")[1] }, text)];
    };
    this.open("The same, outside of this page",
      ...block("Python that computes exactly these numbers", python, "playground.py"),
      ...block("A study: compared over 30 rounds", toml, "playground.toml"),
      make("p", { class: "note" }, "chainrule check-study playground.toml, then chainrule run playground.toml"));
  }
}
