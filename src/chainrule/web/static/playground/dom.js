// Small helpers: elements, numbers as text, bytes, colours.

export const find = (selector, within = document) => within.querySelector(selector);

// make("button", {class: "primary", onclick: f}, "text", child, …)
export function make(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === undefined || value === null || value === false) continue;
    if (name.startsWith("on") || name === "value" || name === "disabled") element[name] = value;
    else element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children.filter((child) => child !== null && child !== undefined));
  return element;
}

export function option(value, label, chosen) {
  const element = make("option", { value }, label);
  element.selected = chosen;
  return element;
}

export function select(label, choices, chosen, onchange) {
  const options = choices.map(([value, text]) => option(value, text, value === chosen));
  return make("select", { "aria-label": label, onchange: (e) => onchange(e.target.value) }, ...options);
}

export function numberInput(label, value, limits, onchange) {
  const change = (event) => {
    const number = Number(event.target.value);
    if (event.target.checkValidity() && event.target.value !== "") onchange(number);
    else event.target.reportValidity();
  };
  return make("input", { type: "number", "aria-label": label, value, onchange: change, ...limits });
}

export const field = (label, control) => make("label", { class: "field" }, make("span", {}, label), control);

export function format(value, digits = 3) {
  if (value === null || value === undefined) return "–";
  if (value === 0) return "0";
  const size = Math.abs(value);
  return size >= 1e-3 && size < 1e5 ? String(Number(value.toPrecision(digits))) : value.toExponential(digits - 1);
}

export const percent = (share) => (share === null || share === undefined ? "–" : `${Math.round(100 * share)} %`);

export const bytes = (text) => Uint8Array.from(atob(text), (c) => c.charCodeAt(0));

// The colours of the page's theme, as [r, g, b].
export function themeColor(name) {
  const text = getComputedStyle(document.documentElement).getPropertyValue(name).trim();
  const number = parseInt(text.slice(1), 16);
  return [number >> 16, (number >> 8) & 255, number & 255];
}

export const mix = (a, b, share) => a.map((value, i) => value + (b[i] - value) * share);

export const css = (color, alpha = 1) => `rgba(${color.map(Math.round).join(",")},${alpha})`;

const CLASSES = ["--class-0", "--class-1", "--class-2", "--class-3", "--class-4", "--class-5", "--class-6"];

export const classColor = (label) => themeColor(CLASSES[((label % 7) + 7) % 7]);

// The colour of each byte, packed as a picture has it, from a share 0 … 1 → [r, g, b].
export function colorTable(color) {
  const table = new Uint8ClampedArray(4 * 256);
  for (let i = 0; i < 256; i++) table.set([...color(i / 255), 255], 4 * i);
  return new Uint32Array(table.buffer);
}

const tables = new Map(); // made once for each theme

function themeTable(name, make) {
  const key = name + getComputedStyle(document.documentElement).getPropertyValue("--back");
  if (!tables.has(key)) tables.set(key, colorTable(make()));
  return tables.get(key);
}

// Between the colours of the two classes, with the page behind them in the middle.
export const diverging = () => themeTable("diverging", () => {
  const [low, middle, high] = ["--class-0", "--back", "--class-1"].map(themeColor);
  return (share) => (share < 0.5 ? mix(low, middle, share * 2) : mix(middle, high, share * 2 - 1));
});

export const sequential = () => themeTable("sequential", () => {
  const [low, high] = ["--panel", "--heat"].map(themeColor);
  return (share) => mix(low, high, share);
});

// A picture of bytes, `columns` wide, in the colours of a table.
export function paint(data, columns, table) {
  const rows = data.length / columns;
  const image = new ImageData(columns, rows);
  const pixels = new Uint32Array(image.data.buffer);
  for (let i = 0; i < data.length; i++) pixels[i] = table[data[i]];
  const canvas = new OffscreenCanvas(columns, rows);
  canvas.getContext("2d").putImageData(image, 0, 0);
  return canvas;
}

// A canvas of so many points on the page, sharp on a dense screen; its context counts in points.
export function prepare(canvas, width, height) {
  const ratio = window.devicePixelRatio || 1;
  if (canvas.width !== Math.round(width * ratio) || canvas.height !== Math.round(height * ratio)) {
    canvas.width = Math.round(width * ratio);
    canvas.height = Math.round(height * ratio);
    canvas.style.width = `${width}px`;
    canvas.style.height = `${height}px`;
  }
  const context = canvas.getContext("2d");
  context.setTransform(ratio, 0, 0, ratio, 0, 0);
  context.clearRect(0, 0, width, height);
  return context;
}
