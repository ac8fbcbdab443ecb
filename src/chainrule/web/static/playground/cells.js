// A canvas of cells that can be pointed at: with the mouse, a finger, or the arrow keys and Enter.

import { make, setAttribute } from "./dom.js";

export class Cells {
  // pick(row, column); describe(row, column) → text. Who has the cells paints their canvas.
  constructor(label, { pick, describe }) {
    Object.assign(this, { label, pick, describe, rows: 0, columns: 0, row: 0, column: 0, hot: false });
    this.canvas = make("canvas", { class: "cells pixels", tabindex: "0", role: "application" });
    this.mark = make("span", { class: "mark", hidden: true });
    this.element = make("div", { class: "cells-holder" }, this.canvas, this.mark);
    this.canvas.addEventListener("mousemove", (event) => this.point(event));
    this.canvas.addEventListener("mouseleave", () => this.leave());
    this.canvas.addEventListener("click", (event) => { this.point(event); this.pick(this.row, this.column); });
    this.canvas.addEventListener("keydown", (event) => this.press(event));
    this.canvas.addEventListener("focus", () => this.heat(true));
    this.canvas.addEventListener("blur", () => this.leave());
    this.say();
  }

  // So many cells, each so large on the page with a gap after it.
  resize(rows, columns, size, gap = 0) {
    if (this.rows === rows && this.columns === columns && this.size === size) return;
    Object.assign(this, { rows, columns, size, gap });
    this.canvas.style.width = `${columns * (size + gap)}px`;
    this.canvas.style.height = `${rows * (size + gap)}px`;
    this.row = Math.min(this.row, rows - 1);
    this.column = Math.min(this.column, columns - 1);
    this.heat(this.hot);
  }

  // What the cells show has changed.
  refresh() {
    if (this.hot) this.say();
  }

  point(event) {
    const box = this.canvas.getBoundingClientRect();
    const column = Math.floor(((event.clientX - box.left) / box.width) * this.columns);
    const row = Math.floor(((event.clientY - box.top) / box.height) * this.rows);
    this.row = Math.max(0, Math.min(this.rows - 1, row));
    this.column = Math.max(0, Math.min(this.columns - 1, column));
    this.heat(true);
  }

  press(event) {
    const move = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] }[event.key];
    if (move) {
      this.row = Math.max(0, Math.min(this.rows - 1, this.row + move[0]));
      this.column = Math.max(0, Math.min(this.columns - 1, this.column + move[1]));
      this.heat(true);
    } else if (event.key === "Enter" || event.key === " ") this.pick(this.row, this.column);
    else return;
    event.preventDefault();
  }

  leave() {
    if (document.activeElement !== this.canvas) this.heat(false);
  }

  heat(hot) {
    this.hot = hot;
    this.mark.hidden = !hot || !this.rows;
    const step = this.size + this.gap;
    if (hot && this.rows) {
      this.mark.style.transform = `translate(${this.column * step}px, ${this.row * step}px)`;
      this.mark.style.width = this.mark.style.height = `${this.size}px`;
    }
    this.say();
  }

  say() {
    const text = this.rows ? `${this.label}: ${this.describe(this.row, this.column)}` : this.label;
    setAttribute(this.canvas, "aria-label", `${text}. Arrow keys move, Enter opens.`);
    setAttribute(this.canvas, "title", text);
  }
}
