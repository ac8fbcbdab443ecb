// The colours of the page's theme, and pictures whose points are bytes.

import { make } from "./dom.js";

const colors = new Map(), tables = new Map(); // of the theme that the page has now

matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => {
  colors.clear();
  tables.clear();
});

// A colour of the theme, as [r, g, b].
export function themeColor(name) {
  if (!colors.has(name)) {
    const text = getComputedStyle(document.documentElement).getPropertyValue(name).trim();
    const number = parseInt(text.slice(1), 16);
    colors.set(name, [number >> 16, (number >> 8) & 255, number & 255]);
  }
  return colors.get(name);
}

export const mix = (a, b, share) => a.map((value, i) => value + (b[i] - value) * share);

export const css = (color, alpha = 1) => `rgba(${color.map(Math.round).join(",")},${alpha})`;

const CLASSES = ["--class-0", "--class-1", "--class-2", "--class-3", "--class-4", "--class-5", "--class-6"];

export const classColor = (label) => themeColor(CLASSES[((label % 7) + 7) % 7]);

// The colour of each byte, packed as a picture has it, from a share 0 … 1 → [r, g, b].
function colorTable(color) {
  const table = new Uint8ClampedArray(4 * 256);
  for (let i = 0; i < 256; i++) table.set([...color(i / 255), 255], 4 * i);
  return new Uint32Array(table.buffer);
}

function themeTable(name, color) {
  if (!tables.has(name)) tables.set(name, colorTable(color()));
  return tables.get(name);
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

// Of so many classes, that of each byte's share.
export const ofClasses = (count) => themeTable(`classes ${count}`, () => {
  const back = themeColor("--back");
  return (share) => mix(back, classColor(Math.round(share * (count - 1))), 0.55);
});

const surfaces = new WeakMap(); // canvas → { context, image, pixels }

// The points of a canvas, one colour each, to be filled and then shown; the page stretches them.
export function surfaceOf(canvas, columns, rows) {
  let surface = surfaces.get(canvas);
  if (!surface || canvas.width !== columns || canvas.height !== rows) {
    canvas.width = columns;
    canvas.height = rows;
    const context = canvas.getContext("2d");
    const image = context.createImageData(columns, rows);
    surface = { pixels: new Uint32Array(image.data.buffer), show: () => context.putImageData(image, 0, 0) };
    surfaces.set(canvas, surface);
  }
  return surface;
}

// Bytes, `columns` wide, in the colours of a table.
export function paint(canvas, data, columns, table) {
  const { pixels, show } = surfaceOf(canvas, columns, data.length / columns);
  for (let i = 0; i < data.length; i++) pixels[i] = table[data[i]];
  show();
}

// A picture that stands still: bytes, so wide, in a canvas of its own.
export function makePicture(data, columns, size, table, label) {
  const canvas = make("canvas", { role: "img", "aria-label": label, class: "pixels" });
  paint(canvas, data, columns, table);
  canvas.style.width = `${size}px`;
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
