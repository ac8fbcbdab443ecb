// Learning curves: lines in bands that can be switched off, read off, zoomed and made logarithmic.
import uPlot from "/static/vendor/uPlot.esm.js";
import { h, s } from "./dom.js";

const MOST_BANDS = 6;

const ink = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

/** A number in its unit, with as many digits as the report has. */
export const inUnit = (x, unit) => (x === null || x === undefined ? "–"
  : `${(unit.scale * x).toFixed(unit.decimals)}${unit.suffix}`);

/** A mark of an axis: as short as it can be. */
const shorten = (x) => (Math.abs(x) >= 1e5 ? x.toExponential(1).replace("e+", "e") : String(Number(x.toPrecision(4))));

/** Of the marks of a logarithmic axis those that have a line: powers of ten, some of many. */
const wholePowers = (_, marks) => {
  const powers = marks.filter((x) => Number.isInteger(Math.round(1e6 * Math.log10(x)) / 1e6));
  const step = Math.ceil(powers.length / 8);
  const kept = new Set(powers.filter((_, i) => i % step === 0));
  return marks.map((x) => (kept.has(x) ? x : null));
};

const swatch = (style) => s(
  "svg", { width: 26, height: 10, "aria-hidden": true },
  s("line", { x1: 0, y1: 5, x2: 26, y2: 5, stroke: style.color, "stroke-width": 2.5,
    "stroke-dasharray": style.dashes.map((x) => 2.5 * x).join(" ") || null }),
);

/** Values by epoch, null where a curve has none, or none that a logarithm has. */
const align = (curve, epochs, values, isLog) => {
  const at = new Map(curve.epochs.map((epoch, i) => [epoch, values[i]]));
  return epochs.map((epoch) => {
    const x = at.get(epoch) ?? null;
    return x === null || (isLog && x <= 0) ? null : x;
  });
};

const columnsOf = (curves, epochs, isLog) => curves.flatMap((curve) => {
  const spread = (sign) => curve.means.map((m, i) =>
    (curve.stds === null || m === null ? null : m + sign * curve.stds[i]));
  return [curve.means, spread(-1), spread(1)].map((values) => align(curve, epochs, values, isLog));
});

/** A figure of the curves; `memory` keeps what was switched, from one drawing to the next. */
export const drawCurves = ({ data, styles, log, caption }, memory) => {
  const { curves, unit } = data;
  memory.hidden ??= new Set();
  memory.log ??= log;
  const epochs = [...new Set(curves.flatMap((curve) => curve.epochs))].sort((a, b) => a - b);
  const place = h("div", { class: "plot" });
  const readout = h("p", { class: "readout", "aria-live": "polite" }, " ");
  const isShown = (curve) => !memory.hidden.has(curve.name);
  let plot = null;

  const update = () => {
    const bands = curves.filter(isShown).length <= MOST_BANDS;
    curves.forEach((curve, i) => {
      plot.setSeries(3 * i + 1, { show: isShown(curve) });
      for (const edge of [2, 3]) plot.setSeries(3 * i + edge, { show: isShown(curve) && bands });
    });
  };
  const say = (focused) => {
    const at = plot.cursor.idx;
    if (at === null || at === undefined) return;
    const shown = curves.filter(isShown);
    const near = focused ? [focused] : shown.slice(0, MOST_BANDS);
    readout.textContent = `epoch ${epochs[at]}: ` + near.map((curve) => {
      const i = curve.epochs.indexOf(epochs[at]);
      const std = curve.stds === null || i < 0 ? "" : ` ± ${inUnit(curve.stds[i], { ...unit, suffix: "" })}`;
      return `${curve.name} ${inUnit(i < 0 ? null : curve.means[i], { ...unit, suffix: "" })}${std}${unit.suffix}`;
    }).join("; ");
  };
  const build = () => {
    plot?.destroy();
    let focused = null;
    const axis = { stroke: ink("--text"), grid: { stroke: ink("--line"), width: 1 },
      ticks: { stroke: ink("--line"), width: 1 } };
    const lines = curves.flatMap((curve, i) => [
      { label: curve.name, stroke: styles[i].color, dash: styles[i].dashes.map((x) => 2 * x), width: 2, spanGaps: true,
        points: { show: epochs.length < 2 } },
      ...[0, 1].map(() => ({ label: "", stroke: null, width: 0, points: { show: false } })),
    ]);
    plot = new uPlot({
      width: Math.max(260, place.clientWidth || 600), height: 320,
      legend: { show: false },
      cursor: { focus: { prox: 24 }, drag: { x: true, y: false } },
      focus: { alpha: 0.2 },
      scales: { x: { time: false }, y: { distr: memory.log ? 3 : 1 } },
      axes: [
        { ...axis, label: "epoch", labelSize: 18, size: 34, incrs: [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 5000] },
        { ...axis, size: 70, grid: memory.log ? { ...axis.grid, filter: wholePowers } : axis.grid, values: (_, ticks) => ticks.map((x) => (x === null ? null
          : `${shorten(unit.scale * x)}${unit.suffix}`)) },
      ],
      series: [{ label: "epoch" }, ...lines],
      bands: curves.map((_, i) => ({ series: [3 * i + 3, 3 * i + 2], fill: `${styles[i].color}26` })),
      hooks: {
        setSeries: [(_, i, options) => {
          if (options?.focus !== undefined && i !== null) { focused = curves[Math.floor((i - 1) / 3)] ?? null; say(focused); }
        }],
        setCursor: [() => say(focused)],
        setSelect: [(u) => {
          if (u.select.width > 2) memory.range = [u.posToVal(u.select.left, "x"), u.posToVal(u.select.left + u.select.width, "x")];
        }],
      },
    }, [epochs, ...columnsOf(curves, epochs, memory.log)], place);
    plot.over.tabIndex = 0;
    plot.over.setAttribute("role", "application");
    plot.over.setAttribute("aria-label", `${caption} The arrow keys read off an epoch.`);
    plot.over.addEventListener("keydown", (event) => {
      const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
      if (step === undefined) return;
      event.preventDefault();
      const at = Math.min(epochs.length - 1, Math.max(0, (plot.cursor.idx ?? -1) + step));
      plot.setCursor({ left: plot.valToPos(epochs[at], "x"), top: 0 });
    });
    plot.over.addEventListener("dblclick", () => { memory.range = null; });
    update();
    if (memory.range) plot.setScale("x", { min: memory.range[0], max: memory.range[1] });
  };

  const groups = [...new Set(curves.map((curve) => curve.group))];
  const toggles = new Map();
  const refresh = () => {
    for (const [curve, button] of toggles) button.setAttribute("aria-pressed", isShown(curve));
    update();
  };
  const switchAll = (some) => {
    const off = some.every((curve) => !isShown(curve));
    for (const curve of some) off ? memory.hidden.delete(curve.name) : memory.hidden.add(curve.name);
    refresh();
  };
  const legend = groups.map((group) => {
    const members = curves.filter((curve) => curve.group === group);
    return h("div", { class: "legend", role: "group", "aria-label": group || "curves" },
      group === "" ? null : h("button", { type: "button", class: "group", onclick: () => switchAll(members) }, group),
      members.map((curve) => {
        const button = h("button", { type: "button", "aria-pressed": isShown(curve), onclick: () => {
          isShown(curve) ? memory.hidden.add(curve.name) : memory.hidden.delete(curve.name);
          refresh();
        } }, swatch(styles[curves.indexOf(curve)]), " ", curve.n_diverged ? `${curve.name} (${curve.n_diverged} diverged)` : curve.name);
        toggles.set(curve, button);
        return button;
      }));
  });
  const controls = h("div", { class: "controls" },
    h("label", {}, h("input", { type: "checkbox", checked: memory.log, onchange: (event) => {
      memory.log = event.target.checked;
      build();
    } }), " log scale"),
    h("button", { type: "button", onclick: () => switchAll(curves) }, "All on or off"),
    h("button", { type: "button", onclick: () => {
      memory.range = null;
      plot.setScale("x", { min: epochs[0], max: epochs.at(-1) });
    } }, "Whole range"),
    h("span", { class: "note" }, "Drag over epochs to zoom."));
  const figure = h("figure", { "aria-label": caption }, h("figcaption", {}, caption), controls, place, readout, legend);
  new ResizeObserver(() => {
    if (plot === null) build();
    else if (place.clientWidth) plot.setSize({ width: Math.max(260, place.clientWidth), height: 320 });
  }).observe(place);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => plot && build());
  return figure;
};
