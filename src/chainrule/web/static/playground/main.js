// The playground's page: joins the form, the session on the server and what is drawn.

import { Connection } from "./connection.js";
import { Curves } from "./curves.js";
import { find, make, setText } from "./dom.js";
import { Glass } from "./glass.js";
import { Lessons } from "./lessons.js";
import { Images, Maps } from "./maps.js";
import { NetView } from "./net_view.js";
import { SeedChoices } from "./seed_choice.js";
import { Settings } from "./settings.js";
import { Strip } from "./strip.js";

const element = (id) => find(`#${id}`);

const page = { playing: false, epoch: 0, built: null, frame: null, pending: false };

const ask = (kind, details) => connection.ask({ do: kind, epoch: page.frame.sides[details.side].epoch, ...details });

const seeds = new SeedChoices((seed) => chooseSeed(seed));
const glass = new Glass(element("glass"), ask, seeds);
const strip = new Strip(element("strip"), (epoch) => seek({ epoch }), seeds);

const connection = new Connection({
  built: (message) => build(message),
  frame: (message) => receive(message),
  answer: (message) => glass.answer(message),
  error: (message) => {
    page.seeking = false;
    complain(message.message);
  },
  closed: () => {
    setPlaying(false);
    complain("The connection to the app is gone. Where it has stopped, start chainrule app again and open the address that it prints; else load this page anew.");
  },
});

function complain(text) {
  if (text) stopWaiting();
  const place = element("error");
  place.hidden = !text;
  place.textContent = text;
  if (text) setPlaying(false);
}

// Whose code a link names: a function of one's own runs only when one says so.
const ownCode = (setting) => setting.sides?.map((side) => side.net?.name ?? side.net).filter((name) => String(name).includes(":")) ?? [];

// Whether the form can show it; what is wrong in its parts, the server says.
const isPart = (value) => typeof value?.name === "string";
const isSetting = ({ data, sides, seeds }) => isPart(data) && typeof seeds === "number" && Array.isArray(sides)
  && [1, 2].includes(sides.length) && sides.every((side) => [side?.net, side?.loss, side?.optimizer].every(isPart));

function settingOfLink() {
  const text = new URLSearchParams(location.hash.slice(1)).get("setting");
  if (!text) return null;
  try {
    const setting = JSON.parse(text);
    if (isSetting(setting)) return setting;
  } catch { /* said below */ }
  element("confirm").textContent = "The link's setting is damaged: here is the one that the page begins with.";
  element("confirm").hidden = false;
  return null;
}

function keepInLink(setting) {
  history.replaceState(null, "", `#${new URLSearchParams({ setting: JSON.stringify(setting) })}`);
}

// What the folded form says.
function summarize({ data, sides, seeds }) {
  const net = sides[0].net.layers ? `${sides[0].net.layers.length + 1} layers` : sides[0].net.name;
  return `${data.problem ?? data.csv ?? "digits"}, ${sides.length > 1 ? "two nets" : net}, ${seeds} seeds`;
}

let timer = 0;
function buildSoon(setting) {
  clearTimeout(timer);
  timer = setTimeout(() => {
    keepInLink(setting);
    setText(element("summary"), summarize(setting));
    complain("");
    setPlaying(false);
    connection.ask({ do: "build", setting });
    tellLater("The nets are being made; another setting would end that.");
  }, 120);
}

// What is done takes long: say so, unless it is done before.
let patience = 0;
function tellLater(text) {
  clearTimeout(patience);
  patience = setTimeout(() => setText(element("said"), text), 1500);
}

function stopWaiting() {
  clearTimeout(patience);
  setText(element("said"), "");
}

function build(message) {
  complain("");
  stopWaiting();
  page.seeking = false;
  page.wanted = null;
  page.built = message;
  page.epoch = 0;
  strip.clear();
  const { samples, sides } = message;
  seeds.resize(message.seeds);
  page.curves = new Curves(element("curves"), sides.length, chooseSeed);
  const places = [0, 1].map((s) => element(`side-${s}`));
  places.forEach((place, s) => (place.hidden = s >= sides.length));
  page.views = sides.map((side, s) => {
    const name = sides.length > 1 ? ["First setting", "Second setting"][s] : "What the nets say";
    find("h2", places[s]).textContent = name;
    find(".about", places[s]).textContent = `${message.seeds} nets of ${side.parameters.toLocaleString("en")} parameters, ${side.loss}; ${samples.train} training and ${samples.test} test samples.`;
    const place = find(".maps", places[s]);
    place.replaceChildren();
    const view = { net: new NetView(find(".net", places[s]), side, (kind, details) => ask(kind, { side: s, ...details })) };
    if (samples.points) view.maps = new Maps(place, samples, name);
    if (samples.images) view.images = new Images(place, samples);
    view.status = find(".status", places[s]);
    view.backend = make("span", {});
    find(".about", places[s]).append(" ", view.backend);
    return view;
  });
}

// Only the newest picture is drawn, once a screen refresh.
function receive(message) {
  page.curves.add(message.from, message.curves);
  page.epoch = message.epoch;
  strip.frames.length && message.epoch < strip.frames.at(-1).epoch && strip.clear();
  page.frame = message;
  page.seeking = false;
  if (page.wanted) seek({});
  setPlaying(message.playing);
  if (page.pending) return;
  page.pending = true;
  requestAnimationFrame(() => {
    page.pending = false;
    draw(page.frame);
  });
}

function draw(frame) {
  const shown = frame.sides[0].epoch;
  setText(element("epoch"), shown === frame.epoch ? String(shown) : `${shown} of ${frame.epoch}`);
  const slider = element("slider");
  slider.max = frame.epoch;
  slider.value = shown;
  slider.disabled = frame.epoch === 0;
  seeds.show(frame.seed);
  frame.sides.forEach((side, s) => {
    const view = page.views[s];
    if (side.map) view.maps?.draw(side.map);
    if (side.right) view.images?.draw(side.right);
    view.net.draw(side);
    setText(view.status, [...side.diverged.slice(0, 2), side.diverged.length > 2 ? `and ${side.diverged.length - 2} more` : ""].filter(Boolean).join("; "));
    view.status.hidden = !side.diverged.length;
    setText(view.backend, frame.epoch ? `Trained on the path: ${side.backend}.` : "Not trained yet.");
  });
  strip.add(frame.epoch, frame.sides, frame.seed);
  page.curves.draw(frame.seed);
  document.body.dataset.epoch = frame.epoch; // for who watches the page, as its tests do
  document.body.dataset.playing = Number(frame.playing);
  document.body.dataset.loss = page.curves.lastLoss ?? "";
  document.body.dataset.pictures = Number(document.body.dataset.pictures ?? 0) + 1;
}

function setPlaying(playing) {
  page.playing = playing;
  setText(element("play"), playing ? "❚❚ Pause" : "▶ Play");
  element("play").setAttribute("aria-pressed", String(playing));
}

const speed = () => Number(element("speed").value);

// One after the other, and of many that wait the last: a slider is fast.
function seek(where) {
  page.wanted = { ...page.wanted, ...where };
  if (page.seeking) return;
  page.seeking = true;
  connection.ask({ do: "seek", ...page.wanted });
  page.wanted = null;
}

const chooseSeed = (seed) => seek({ seed, epoch: page.frame.sides[0].epoch });

function recolor() {
  if (!page.frame) return;
  page.views.forEach((view) => [view.maps, view.images].forEach((each) => each?.recolor()));
  page.curves.recolor();
  draw(page.frame);
}

// A button that shows and hides something, where the screen is small.
function connectFold(button, opened) {
  button.onclick = () => button.setAttribute("aria-expanded", String(opened.classList.toggle("open")));
}

function connectControls(settings) {
  addEventListener("hashchange", () => { // another link, in the same page
    clearTimeout(timer);
    location.reload();
  });
  connectFold(element("fold"), element("settings"));
  connectFold(element("more"), find(".controls"));
  for (const place of document.querySelectorAll(".net-seed")) place.append(seeds.add("Units and weights of seed"));
  element("play").onclick = () => {
    connection.ask(page.playing ? { do: "pause" } : { do: "play", speed: speed() });
    setPlaying(!page.playing);
  };
  element("step").onclick = () => connection.ask({ do: "step" });
  element("reset").onclick = () => buildSoon(settings.setting);
  element("speed").onchange = () => page.playing && connection.ask({ do: "play", speed: speed() });
  element("slider").oninput = (event) => {
    if (page.playing) connection.ask({ do: "pause" });
    seek({ epoch: Number(event.target.value) });
  };
  element("code").onclick = () => connection.ask({ do: "code" });
  element("link").onclick = async () => {
    await navigator.clipboard.writeText(location.href);
    element("said").textContent = "The link is copied: it opens this setting in a running app.";
  };
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", recolor);
}

async function start() {
  const catalog = await (await fetch("/playground/catalog")).json();
  const settings = new Settings(element("settings"), catalog, buildSoon);
  const show = (setting) => {
    settings.show(structuredClone(setting));
    buildSoon(settings.setting);
  };
  new Lessons(element("lessons"), catalog.lessons, show);
  connectControls(settings);
  const linked = settingOfLink();
  const names = linked ? ownCode(linked) : [];
  if (linked && !names.length) show(linked);
  else show(catalog.start);
  if (!names.length) return;
  const confirm = element("confirm");
  const run = () => {
    confirm.hidden = true;
    show(linked);
  };
  confirm.replaceChildren(`The link names code on this machine: ${names.join(", ")}. `, make("button", { onclick: run }, "Run it"));
  confirm.hidden = false;
}

start();
