// A place that is named by numbers: a unit, or an entry of a weight that is too large to be drawn.

import { make, numberInput } from "./dom.js";

export class Entry {
  // open(index): numbers below those of `shape`, one each.
  constructor(said, label, shape, open) {
    this.index = shape.map(() => 0);
    const inputs = shape.map((size, axis) => numberInput(
      shape.length > 1 ? `${label}, axis ${axis}` : label, 0, { min: 0, max: size - 1, step: 1 },
      (value) => (this.index[axis] = value)));
    const form = make("form", { class: "entry", onsubmit: (event) => {
      event.preventDefault();
      open([...this.index]);
    } }, make("span", { class: "note" }, said), " ", label, " ", ...inputs, make("button", {}, "Look"));
    this.element = form;
  }
}
