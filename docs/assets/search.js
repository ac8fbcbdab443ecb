// Finds options: to the search a dash before a word says "without it", so it sees blanks for dashes.
const field = document.querySelector(".md-search__input");
const text = Object.getOwnPropertyDescriptor(HTMLInputElement.prototype, "value");
Object.defineProperty(field, "value", {
  get() { return text.get.call(this).replace(/(^|\s)-+(?=\w)/g, "$1"); },
  set(value) { text.set.call(this, value); },
});
