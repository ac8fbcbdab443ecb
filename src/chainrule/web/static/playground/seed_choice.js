// Which seed's net is shown: a choice wherever one is, all of them alike.

import { make, option } from "./dom.js";

export class SeedChoices {
  // choose(seed): one was chosen, anywhere.
  constructor(choose) {
    Object.assign(this, { choose, count: 1, seed: 0, selects: [] });
  }

  // One more of them; `after`: what else is done when one chooses there.
  add(label, after = () => {}) {
    const select = make("select", { "aria-label": label, onchange: (event) => {
      this.choose(Number(event.target.value));
      after();
    } });
    this.fill(select);
    this.selects = [...this.selects.filter((each) => each.isConnected), select];
    return make("label", { class: "seed-choice" }, `${label} `, select);
  }

  fill(select) {
    select.replaceChildren(...Array.from({ length: this.count }, (_, k) => option(String(k), String(k), k === this.seed)));
  }

  // There are so many now.
  resize(count) {
    if (count === this.count) return;
    this.count = count;
    this.seed = Math.min(this.seed, count - 1);
    this.selects.forEach((select) => this.fill(select));
  }

  show(seed) {
    this.seed = seed;
    for (const select of this.selects) if (select.value !== String(seed)) select.value = String(seed);
  }
}
