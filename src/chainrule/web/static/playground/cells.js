// A canvas of cells that can be pointed at: with the mouse, a finger, or the arrow keys and Enter.

import { css, prepare, themeColor } from "./dom.js";

export class Cells {
  // draw(context, width, height); pick(row, column); describe(row, column) → text
  constructor(label, { draw, pick, describe }) {
    this.canvas = document.createElement("canvas");
    this.canvas.tabIndex = 0;
    this.canvas.className = "cells";
    this.canvas.setAttribute("role", "application");
    this.label = label;
    Object.assign(this, { draw, pick, describe, rows: 0, columns: 0, row: 0, column: 0, hot: false });
    this.canvas.addEventListener("mousemove", (event) => this.point(event));
    this.canvas.addEventListener("mouseleave", () => this.leave());
    this.canvas.addEventListener("click", (event) => { this.point(event); this.pick(this.row, this.column); });
    this.canvas.addEventListener("keydown", (event) => this.press(event));
    this.canvas.addEventListener("focus", () => this.mark(true));
    this.canvas.addEventListener("blur", () => this.leave());
    this.say();
  }

  resize(rows, columns, width, height, gap = 0) {
    Object.assign(this, { rows, columns, width, height, gap });
    this.row = Math.min(this.row, rows - 1);
    this.column = Math.min(this.column, columns - 1);
    this.render();
  }

  render() {
    if (!this.rows) return;
    const { rows, columns, width, height, gap } = this;
    const context = prepare(this.canvas, columns * (width + gap), rows * (height + gap));
    context.imageSmoothingEnabled = false;
    this.draw(context, columns * (width + gap), rows * (height + gap));
    if (this.hot) {
      context.strokeStyle = css(themeColor("--text"));
      context.lineWidth = 1.5;
      context.strokeRect(this.column * (width + gap) + 0.5, this.row * (height + gap) + 0.5, width - 1, height - 1);
    }
  }

  point(event) {
    const box = this.canvas.getBoundingClientRect();
    const column = Math.floor(((event.clientX - box.left) / box.width) * this.columns);
    const row = Math.floor(((event.clientY - box.top) / box.height) * this.rows);
    this.row = Math.max(0, Math.min(this.rows - 1, row));
    this.column = Math.max(0, Math.min(this.columns - 1, column));
    this.mark(true);
  }

  press(event) {
    const move = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] }[event.key];
    if (move) {
      this.row = Math.max(0, Math.min(this.rows - 1, this.row + move[0]));
      this.column = Math.max(0, Math.min(this.columns - 1, this.column + move[1]));
      this.mark(true);
    } else if (event.key === "Enter" || event.key === " ") this.pick(this.row, this.column);
    else return;
    event.preventDefault();
  }

  leave() {
    if (document.activeElement !== this.canvas) this.mark(false);
  }

  mark(hot) {
    this.hot = hot;
    this.say();
    this.render();
  }

  say() {
    const text = this.rows ? `${this.label}: ${this.describe(this.row, this.column)}` : this.label;
    this.canvas.setAttribute("aria-label", `${text}. Arrow keys move, Enter opens.`);
    this.canvas.title = text;
  }
}
