// The list of all studies of all stores.
import { stateBadge } from "./datasets.js";
import { ask, h, repeat } from "./dom.js";
import { sortableTable } from "./table.js";

const COLUMNS = [
  { title: "study" },
  { title: "name" },
  { title: "state" },
  { title: "last run (UTC)", best: "high" },
  { title: "arms", numeric: true, best: "high" },
  { title: "rounds", numeric: true, best: "high" },
  { title: "trainings", numeric: true, best: "high" },
  { title: "", label: "what may be done" },
];

const STATES = ["any state", "running", "complete", "not complete", "not readable"];

const cell = (text, order = text) => ({ text, order });
const NOTHING = cell("–", null);

/** Ask before a study is removed for ever; what the dialog says is what is removed. */
const confirmRemoval = (store, study, done) => {
  const problem = h("p", { class: "error", role: "alert", hidden: true });
  const close = () => dialog.remove();
  const remove = async () => {
    try {
      await ask("remove", {}, { store, study: study.number, digest: study.digest });
      dialog.close();
      done();
    } catch (error) {
      problem.textContent = error.message;
      problem.hidden = false;
    }
  };
  const dialog = h("dialog", { "aria-labelledby": "removal", onclose: close },
    h("h2", { id: "removal" }, `Remove study ${store}/${study.number}?`),
    h("p", {}, `${study.name} and its ${study.trainings} trainings are removed from the store for ever.`),
    problem,
    h("div", { class: "controls" },
      h("button", { type: "button", autofocus: true, onclick: () => dialog.close() }, "Keep it"),
      h("button", { type: "button", class: "danger", onclick: remove }, "Remove for ever")));
  document.body.append(dialog);
  dialog.showModal();
};

const showRow = ({ store, study }, open, refresh) => {
  const isWhole = study.number === null;
  const label = isWhole ? `${store}, ${study.datasets[1]} data sets` : `${store}/${study.number}`;
  const which = isWhole ? `datasets=${study.digest}` : `study=${study.number}`;
  const link = h("a", { href: `?store=${encodeURIComponent(store)}&${which}`, onclick: open }, label);
  const remove = h("button", { type: "button", class: "small", "aria-label": `Remove ${store}/${study.number}`,
    onclick: () => confirmRemoval(store, study, refresh) }, "Remove…");
  return [
    { content: link, order: label },
    cell(study.name),
    { content: stateBadge(study.state), order: study.state },
    study.last_run ? cell(study.last_run.slice(0, 19).replace("T", " "), study.last_run) : NOTHING,
    study.arms ? cell(study.arms.join(" / "), study.arms[0]) : NOTHING,
    study.rounds ? cell(study.rounds.join(" / "), study.rounds[0]) : NOTHING,
    cell(study.trainings.toLocaleString("en"), study.trainings),
    isWhole ? NOTHING : { content: remove, order: null },
  ];
};

/** Shows the list in `place` until the function that it returns is called. */
export const showList = (place, open, memory) => {
  const table = h("div"), problems = h("div", { role: "status" });
  const search = h("input", { type: "search", placeholder: "part of a name", value: memory.search ?? "" });
  const state = h("select", {}, STATES.map((name) => h("option", { selected: name === memory.state }, name)));
  let found = [], seen = "";

  const show = () => {
    memory.search = search.value;
    memory.state = state.value;
    const wanted = search.value.trim().toLowerCase();
    const rows = found.filter(({ store, study }) => `${store}/${study.number ?? ""} ${study.name}`.toLowerCase().includes(wanted)
      && (state.value === STATES[0] || study.state === state.value));
    memory.order ??= {};
    table.replaceChildren(
      rows.length ? sortableTable(COLUMNS, rows.map((row) => showRow(row, open, update)), "Studies", memory.order)
        : h("p", { class: "note" }, found.length ? "No study is so called." : "No studies yet: chainrule run NAME makes them, and they come here while they run."),
      h("p", { class: "note" }, `${rows.length} of ${found.length} studies. Arms and rounds: those done / declared.`));
  };
  const update = async () => {
    const errors = [];
    try {
      const { stores } = await ask("stores");
      const lists = await Promise.all(stores.map((store) => ask("list", { store })
        .then((studies) => studies.map((study) => ({ store, study })))
        .catch((error) => { errors.push(error.message); return []; })));
      const now = lists.flat().sort((a, b) => (b.study.last_run ?? "").localeCompare(a.study.last_run ?? ""));
      for (const { store, study } of now) if (study.problem) errors.push(`${store}/${study.number}: ${study.problem}`);
      if (JSON.stringify(now) !== seen || !table.hasChildNodes()) {
        found = now;
        seen = JSON.stringify(now);
        show();
      }
    } catch (error) {
      errors.push(error.message);
    }
    problems.replaceChildren(...errors.map((text) => h("p", { class: "error" }, text)));
  };
  search.addEventListener("input", show);
  state.addEventListener("change", show);
  place.replaceChildren(
    h("h1", {}, "Studies"),
    h("div", { class: "controls" }, h("label", {}, "Find ", search), h("label", {}, "State ", state)),
    problems, table);
  document.title = "Studies · chainrule";
  return repeat(update, () => (found.some(({ study }) => study.state === "running") ? 3 : 8));
};
