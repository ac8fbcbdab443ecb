// What the nets say over the plane: the mean over the seeds, and where the seeds disagree.

import { drawInView, format, make, setAttribute, setText, watchWidth, widthOf } from "./dom.js";
import { classColor, css, diverging, makePicture, mix, ofClasses, paint, prepare, sequential, themeColor } from "./paint.js";

export class Maps {
  constructor(place, samples, label) {
    this.samples = samples;
    const titles = samples.kind === "regression"
      ? ["Mean of the seeds", "Deviation over seeds"]
      : samples.outputs === 2
        ? ["Mean over the seeds: class 0 orange, class 1 blue", "Where seeds disagree: the stronger the more"]
        : ["What most seeds say", "Share that says otherwise"];
    [this.mean, this.spread] = titles.map((title) => make("canvas", { role: "img", class: "map", "aria-label": `${title}, ${label}` }));
    this.points = make("canvas", { class: "points", "aria-hidden": "true" });
    this.readout = make("p", { class: "note readout" });
    const holders = [this.mean, this.spread].map((canvas) => {
      const holder = make("div", { class: "map-holder" }, canvas);
      holder.onmousemove = (event) => this.read(event, canvas);
      holder.onmouseleave = () => setText(this.readout, "");
      return holder;
    });
    holders[0].append(this.points);
    const pair = make("div", { class: "pair" }, ...holders.map((holder, i) => make("figure", {}, holder, make("figcaption", {}, titles[i]))));
    place.replaceChildren(pair, this.readout);
    this.request = drawInView(pair, () => this.drawMaps());
    watchWidth(holders[0], () => this.drawPoints());
    this.holder = holders[0];
  }

  draw(map) {
    this.data = map;
    this.request();
  }

  drawMaps() {
    const { kind, outputs, grid } = this.samples;
    paint(this.mean, this.data.mean, grid, kind !== "regression" && outputs > 2 ? ofClasses(outputs) : diverging());
    paint(this.spread, this.data.spread, grid, sequential());
  }

  // Those of the samples lie above the map, and are drawn once.
  drawPoints() {
    const size = widthOf(this.holder);
    const context = prepare(this.points, size, size);
    const { low, high, points, labels, kind } = this.samples;
    const [least, most] = kind === "regression" ? [Math.min(...labels), Math.max(...labels)] : [0, 1];
    const [cold, hot] = ["--class-0", "--class-1"].map(themeColor);
    context.lineWidth = 0.7;
    context.strokeStyle = css(themeColor("--back"));
    points.forEach(([x1, x2], i) => {
      const x = ((x1 - low[0]) / (high[0] - low[0])) * size;
      const y = (1 - (x2 - low[1]) / (high[1] - low[1])) * size;
      context.beginPath();
      context.arc(x, y, 2.4, 0, 7);
      context.fillStyle = css(kind === "regression" ? mix(cold, hot, (labels[i] - least) / (most - least || 1)) : classColor(labels[i]));
      context.fill();
      context.stroke();
    });
  }

  read(event, canvas) {
    if (!this.data) return;
    const box = canvas.getBoundingClientRect();
    const across = (event.clientX - box.left) / box.width;
    const up = 1 - (event.clientY - box.top) / box.height;
    const { low, high, grid, kind, outputs } = this.samples;
    const column = Math.min(grid - 1, Math.max(0, Math.floor(across * grid)));
    const row = Math.min(grid - 1, Math.max(0, Math.floor((1 - up) * grid)));
    const mean = this.data.mean[row * grid + column] / 255;
    const spread = this.data.spread[row * grid + column] / 255;
    const at = `x₁ = ${format(low[0] + across * (high[0] - low[0]))}, x₂ = ${format(low[1] + up * (high[1] - low[1]))}`;
    if (kind === "regression") this.readout.textContent = at;
    else if (outputs === 2) this.readout.textContent = `${at}: class 1 with ${mean.toFixed(2)} ± ${(spread / 2).toFixed(2)}`;
    else this.readout.textContent = `${at}: class ${Math.round(mean * (outputs - 1))}, ${Math.round(100 * spread)} % say otherwise`;
  }

  recolor() {
    this.drawPoints();
    if (this.data) this.request();
  }
}

// Test images, each with the share of seeds that tell it rightly.
export class Images {
  constructor(place, samples) {
    this.items = samples.images.map((image, i) => {
      const canvas = makePicture(image.data, image.width, 44, sequential(), "");
      const share = make("span", {});
      return { canvas, share, image, label: samples.labels[i], item: make("li", {}, canvas, share) };
    });
    const list = make("ul", { class: "images" }, ...this.items.map((each) => each.item));
    place.replaceChildren(list, make("p", { class: "note" }, "Test images, and the share of seeds that tell each rightly."));
    this.request = drawInView(list, () => this.drawShares());
  }

  draw(shares) {
    this.shares = shares;
    this.request();
  }

  drawShares() {
    this.items.forEach(({ canvas, share, label, item }, i) => {
      const right = this.shares[i];
      setText(share, `${Math.round(100 * right)} %`);
      setAttribute(item, "class", right >= 0.99 ? "right" : right < 0.5 ? "wrong" : "disputed");
      setAttribute(canvas, "aria-label", `a ${label}: ${share.textContent} of the seeds tell it`);
    });
  }

  recolor() {
    for (const { canvas, image } of this.items) paint(canvas, image.data, image.width, sequential());
  }
}
