// The page of a study over several data sets: the arms over all of them, and how far each part is.
import { drawBlocks } from "./blocks.js";
import { ask, h, repeat } from "./dom.js";
import { sortableTable } from "./table.js";

const COLUMNS = [{ title: "data set" }, { title: "state" }, { title: "rounds", numeric: true, best: "high" }];

export const stateBadge = (state) => h("span", { class: `state ${state.replace(" ", "-")}` }, state);

const partRow = (store, open) => ({ dataset, number, state, rounds }) => [
  { content: number === null ? dataset : h("a", { href: `?store=${encodeURIComponent(store)}&study=${number}`, onclick: open }, dataset), order: dataset },
  { content: stateBadge(state), order: state },
  { text: rounds.join(" / "), order: rounds[0] },
];

/** Shows a study over several data sets in `place` until the function that it returns is called. */
export const showDatasets = (place, address, open, memory) => {
  const problem = h("div", { role: "status" }), body = h("div");
  let shown = "", state = "";
  const show = (study) => {
    const done = study.parts.filter((part) => part.state === "complete").length, top = window.scrollY;
    if (!memory.has("parts")) memory.set("parts", {});
    body.replaceChildren(
      h("h1", {}, study.name, " ", stateBadge(study.state)),
      study.summary ? h("p", {}, study.summary) : "",
      h("p", {}, study.opening, " ", h("strong", {}, study.progress)),
      h("progress", { value: done, max: study.parts.length, "aria-label": "data sets done" }),
      h("h2", {}, "Over all data sets"),
      ...drawBlocks(study.blocks, memory),
      h("h2", {}, "Each data set"),
      sortableTable(COLUMNS, study.parts.map(partRow(address.store, open)), "Data sets", memory.get("parts")));
    document.title = `${study.name} (${study.state}) · chainrule`;
    window.scrollTo(0, top);
  };
  const update = async () => {
    try {
      const study = await ask("datasets", address);
      problem.replaceChildren();
      state = study.state;
      const now = JSON.stringify(study);
      if (now !== shown) show(study);
      shown = now;
    } catch (error) {
      problem.replaceChildren(h("p", { class: "error" }, error.message));
    }
  };
  place.replaceChildren(h("p", {}, h("a", { href: "/studies", onclick: open }, "← all studies")), problem, body);
  return repeat(update, () => (state === "running" ? 2 : 8));
};
