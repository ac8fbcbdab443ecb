// Small helpers: elements, numbers as text, what is drawn only where one sees it.

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

export const isMissing = (value) => value === null || value === undefined || Number.isNaN(value);

export function format(value, digits = 3) {
  if (isMissing(value)) return "–";
  if (value === 0) return "0";
  const size = Math.abs(value);
  return size >= 1e-3 && size < 1e5 ? String(Number(value.toPrecision(digits))) : value.toExponential(digits - 1);
}

export const percent = (share) => (isMissing(share) ? "–" : `${Math.round(100 * share)} %`);

// Write a text or an attribute only where it changes: each change costs the page a layout.
export function setText(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

export function setAttribute(element, name, value) {
  if (element.getAttribute(name) !== value) element.setAttribute(name, value);
}

const watched = new WeakMap(); // element → { draw, inView, stale }

const viewObserver = new IntersectionObserver((entries) => {
  for (const { target, isIntersecting } of entries) {
    const state = watched.get(target);
    state.inView = isIntersecting;
    if (isIntersecting && state.stale) {
      state.stale = false;
      state.draw();
    }
  }
}, { rootMargin: "100px" });

// What calls draw() the first time, and while the element is in view; of calls in between, the last,
// once it comes there.
export function drawInView(element, draw) {
  const state = { draw, inView: false, stale: false };
  let drawn = false;
  watched.set(element, state);
  viewObserver.observe(element);
  return () => {
    if (state.inView || !drawn) draw();
    else state.stale = true;
    drawn = true;
  };
}

const widths = new WeakMap(); // element → its width, kept by an observer: asking costs a layout

const widthObserver = new ResizeObserver((entries) => {
  for (const { target, contentRect } of entries) {
    const { width, changed } = widths.get(target);
    if (contentRect.width === width) continue;
    widths.set(target, { width: contentRect.width, changed });
    changed();
  }
});

// Call changed() when the element's width does.
export function watchWidth(element, changed) {
  widths.set(element, { width: 0, changed });
  widthObserver.observe(element);
}

export const widthOf = (element) => widths.get(element).width;
