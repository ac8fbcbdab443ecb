// What the nets say over the plane: the mean over the seeds, and where the seeds disagree.

import { bytes, classColor, colorTable, css, diverging, format, make, mix, paint, prepare, sequential, themeColor } from "./dom.js";

export class Maps {
  constructor(place, samples, label) {
    this.samples = samples;
    const canvases = ["mean", "spread"].map((kind) => {
      const canvas = make("canvas", { role: "img", class: "map" });
      canvas.onmousemove = (event) => this.read(event, canvas);
      canvas.onmouseleave = () => (this.readout.textContent = "");
      return canvas;
    });
    [this.mean, this.spread] = canvases;
    const titles = samples.kind === "regression"
      ? ["Mean of the seeds", "Deviation over seeds"]
      : samples.outputs === 2
        ? ["Mean over the seeds: class 0 orange, class 1 blue", "Where seeds disagree: the darker the more"]
        : ["What most seeds say", "Share that says otherwise"];
    this.readout = make("p", { class: "note readout", "aria-live": "off" });
    place.replaceChildren(
      make("div", { class: "pair" },
        ...canvases.map((canvas, i) => make("figure", {}, canvas, make("figcaption", {}, titles[i])))),
      this.readout,
    );
    canvases.forEach((canvas, i) => canvas.setAttribute("aria-label", `${titles[i]}, ${label}`));
  }

  draw(map) {
    this.data = { mean: bytes(map.mean), spread: bytes(map.spread) };
    const many = this.samples.kind !== "regression" && this.samples.outputs > 2;
    const back = themeColor("--back");
    const color = many
      ? colorTable((share) => mix(back, classColor(Math.round(share * (this.samples.outputs - 1))), 0.55))
      : diverging();
    this.place(this.mean, paint(this.data.mean, this.samples.grid, color), true);
    this.place(this.spread, paint(this.data.spread, this.samples.grid, sequential()), false);
  }

  place(canvas, picture, withPoints) {
    const size = Math.max(120, Math.min(300, canvas.parentElement.clientWidth || 240));
    const context = prepare(canvas, size, size);
    context.imageSmoothingEnabled = true;
    context.drawImage(picture, 0, 0, size, size);
    if (!withPoints) return;
    const { low, high, points, labels, kind } = this.samples;
    const [least, most] = kind === "regression" ? [Math.min(...labels), Math.max(...labels)] : [0, 1];
    const [cold, hot] = ["--class-0", "--class-1"].map(themeColor);
    const colors = new Map(), edge = css(themeColor("--back"));
    const colorOf = (label) => {
      if (!colors.has(label)) colors.set(label, css(kind === "regression" ? mix(cold, hot, (label - least) / (most - least || 1)) : classColor(label)));
      return colors.get(label);
    };
    points.forEach(([x1, x2], i) => {
      const x = ((x1 - low[0]) / (high[0] - low[0])) * size;
      const y = (1 - (x2 - low[1]) / (high[1] - low[1])) * size;
      context.beginPath();
      context.arc(x, y, 2.4, 0, 7);
      context.fillStyle = colorOf(labels[i]);
      context.fill();
      context.lineWidth = 0.7;
      context.strokeStyle = edge;
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
}

// Test images, each with the share of seeds that tell it rightly.
export class Images {
  constructor(place, samples) {
    const color = sequential();
    this.items = samples.images.map((image, i) => {
      const canvas = make("canvas", { role: "img", width: image.width, height: image.height });
      canvas.getContext("2d").drawImage(paint(bytes(image.data), image.width, color), 0, 0);
      const share = make("span", {});
      return { canvas, share, label: samples.labels[i], item: make("li", {}, canvas, share) };
    });
    place.replaceChildren(
      make("ul", { class: "images" }, ...this.items.map((each) => each.item)),
      make("p", { class: "note" }, "Test images, and the share of seeds that tell each rightly."),
    );
  }

  draw(shares) {
    this.items.forEach(({ canvas, share, label, item }, i) => {
      share.textContent = `${Math.round(100 * shares[i])} %`;
      item.className = shares[i] >= 0.99 ? "right" : shares[i] < 0.5 ? "wrong" : "disputed";
      canvas.setAttribute("aria-label", `a ${label}: ${share.textContent} of the seeds tell it`);
    });
  }
}
