// Guided pages: a question, a setting, something to try, and what one sees.

import { make, option } from "./dom.js";

export class Lessons {
  // load(setting, play): show this setting, and begin.
  constructor(place, lessons, load) {
    Object.assign(this, { place, lessons, load });
    this.choice = make("select", { "aria-label": "Lesson" }, option("", "A lesson …", true),
      ...lessons.map((lesson, i) => option(String(i), `${i + 1}. ${lesson.title}`)));
    this.choice.onchange = () => this.open(this.choice.value);
    this.body = make("div", { class: "lesson", hidden: true });
    place.replaceChildren(this.choice, this.body);
  }

  open(value) {
    this.body.hidden = value === "";
    this.choice.value = value;
    if (value === "") return;
    const lesson = this.lessons[value];
    const answer = make("details", {}, make("summary", {}, "What one sees"), make("p", {}, lesson.answer));
    const next = Number(value) + 1 < this.lessons.length
      ? make("button", { onclick: () => this.open(String(Number(value) + 1)) }, "Next lesson")
      : null;
    this.body.replaceChildren(
      make("h2", {}, lesson.title), make("p", { class: "question" }, lesson.question), make("p", {}, lesson.text),
      make("p", { class: "actions" },
        make("button", { class: "primary", onclick: () => this.load(lesson.setting) }, "Show the setting"),
        make("button", { onclick: () => this.load(lesson.try.setting) }, `Try: ${lesson.try.label}`)),
      answer,
      make("p", { class: "actions" }, next, make("button", { onclick: () => this.open("") }, "Close the lesson")),
    );
  }
}
