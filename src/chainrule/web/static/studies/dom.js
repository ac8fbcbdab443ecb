// Elements, and what is asked of the server.
const SVG = "http://www.w3.org/2000/svg";

const fill = (element, attributes, children) => {
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (name.startsWith("aria-") && value !== null) element.setAttribute(name, value);
    else if (value === true) element.setAttribute(name, "");
    else if (value !== false && value !== null && value !== undefined) element.setAttribute(name, value);
  }
  element.append(...children.flat(Infinity).filter((child) => child !== null && child !== undefined));
  return element;
};

/** An element of HTML: `h("a", { href: "/" }, "text")`. Text stays text. */
export const h = (tag, attributes = {}, ...children) =>
  fill(document.createElement(tag), attributes, children);

/** An element of SVG. */
export const s = (tag, attributes = {}, ...children) =>
  fill(document.createElementNS(SVG, tag), attributes, children);

/** What the server answers, as an Error where it says what is wrong. */
export const ask = async (path, parameters = {}, body = null) => {
  const query = new URLSearchParams(parameters);
  const sent = body === null ? {} : {
    method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body),
  };
  let response;
  try {
    response = await fetch(`/studies/${path}?${query}`, sent);
  } catch {
    throw new Error("The app does not answer. Is chainrule app still running?");
  }
  const found = await response.json().catch(() => null);
  if (found === null) throw new Error(await refusal(response));
  if (found.error !== undefined) throw new Error(found.error);
  return found;
};

const refusal = async (response) => (response.status === 403
  ? "The app was begun anew: open the address that it printed in the terminal."
  : `The app answered with ${response.status}.`);

/** Calls `step` again and again while its page is seen, at rest for longer than each call took. */
export const repeat = (step, seconds) => {
  let timer = 0, ended = false;
  const run = async () => {
    const begun = performance.now();
    if (!document.hidden) await step();
    const rest = Math.max(1000 * seconds(), 4 * (performance.now() - begun));
    if (!ended) timer = setTimeout(run, rest);
  };
  run();
  return () => { ended = true; clearTimeout(timer); };
};
