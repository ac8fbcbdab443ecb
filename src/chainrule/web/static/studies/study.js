// The page of one study, which fills while the study runs.
import { drawBlocks } from "./blocks.js";
import { stateBadge } from "./datasets.js";
import { ask, h, repeat } from "./dom.js";

const showProgress = (study) => {
  const [done, total] = study.trainings;
  const facts = [
    `${done.toLocaleString("en")} of ${total.toLocaleString("en")} trainings`,
    `${study.cohorts.toLocaleString("en")} ${study.cohorts === 1 ? "cohort" : "cohorts"}`,
    study.left ? `about ${study.left} left` : "",
    study.holder ? `run by process ${study.holder}` : "",
  ];
  return [
    h("progress", { value: done, max: Math.max(1, total), "aria-label": "trainings done" }),
    h("p", {}, facts.filter((text) => text).join(" · ")),
  ];
};

const showArms = (study) => {
  const isSearched = study.arms.some((arm) => arm.best);
  const heads = ["arm", "done", "", ...(isSearched ? ["best validation"] : [])];
  return h("table", { class: "arms" },
    h("thead", {}, h("tr", {}, heads.map((text) => h("th", { scope: "col" }, text)))),
    h("tbody", {}, study.arms.map((arm) => h("tr", {},
      h("th", { scope: "row" }, arm.name),
      h("td", { class: "number" }, `${arm.done} / ${arm.total}`),
      h("td", {}, h("progress", { value: arm.done, max: Math.max(1, arm.total), "aria-label": `trainings of ${arm.name}` })),
      isSearched ? h("td", { class: "number" }, arm.best || "–") : null))));
};

/** A choice of another study, and in what its declaration differs. */
const changesBlock = (address, memory) => () => {
  const place = h("div"), choice = h("select", {}, h("option", { value: "" }, "choose a study"));
  const show = async () => {
    memory.changes = choice.value;
    if (!choice.value) return place.replaceChildren();
    const [store, study] = JSON.parse(choice.value);
    try {
      const { blocks } = await ask("changes", { ...address, with_store: store, with_study: study });
      return place.replaceChildren(...drawBlocks(blocks, new Map()));
    } catch (error) {
      return place.replaceChildren(h("p", { class: "error" }, error.message));
    }
  };
  choice.addEventListener("change", show);
  const fill = async () => {
    const { stores } = await ask("stores");
    const lists = await Promise.all(stores.map((store) => ask("list", { store }).catch(() => [])
      .then((studies) => studies.map((study) => [store, study]))));
    for (const [store, study] of lists.flat()) {
      if (study.number === null || (store === address.store && String(study.number) === address.study)) continue;
      const value = JSON.stringify([store, study.number]);
      choice.append(h("option", { value, selected: value === memory.changes }, `${store}/${study.number}, ${study.name}`));
    }
    await show();
  };
  fill().catch((error) => place.replaceChildren(h("p", { class: "error" }, error.message)));
  return h("section", { class: "block" }, h("p", {}, h("label", {}, "Compare with the declaration of ", choice)), place);
};

/** Shows a study in `place`, `tab` first, until the function that it returns is called. */
export const showStudy = (place, address, tab, open, rename, memory) => {
  const problem = h("div", { role: "status" }), head = h("div"), tabs = h("div"), panel = h("div", {
    role: "tabpanel", id: "panel", tabindex: 0,
  });
  let current = tab, shown = "", latest = null, isStale = false; // stale: something could not be read
  const details = { arms: false, cohorts: false };

  const isArm = () => current.startsWith("arm:");
  const memoryOf = (name) => {
    if (!memory.has(name)) memory.set(name, new Map());
    return memory.get(name);
  };
  const fold = (name, title, content) => {
    const block = h("details", { open: details[name] }, h("summary", {}, title), content);
    block.addEventListener("toggle", () => { details[name] = block.open; });
    return block;
  };
  const showHead = (study) => {
    head.replaceChildren(
      h("h1", {}, study.name, " ", stateBadge(study.state)),
      study.part_of ? h("p", {}, `Data set ${study.part_of.dataset}, one of ${study.part_of.datasets.length} of `,
        h("a", { href: `?store=${encodeURIComponent(address.store)}&datasets=${study.part_of.digest}`, onclick: open }, study.part_of.study)) : "",
      study.summary ? h("p", {}, study.summary) : "",
      h("p", {}, study.opening, " ", h("strong", {}, study.progress)),
      ...showProgress(study),
      fold("arms", `Arms: ${study.arms.length}`, h("div", { class: "scroll" }, showArms(study))),
      fold("cohorts", "Cohorts that were trained last", drawBlocks([study.latest], memoryOf("head"))));
    document.title = `${study.name} (${study.state}) · chainrule`;
  };
  const showTabs = (study) => {
    const button = (name, label) => h("button", {
      type: "button", role: "tab", id: `tab-${name}`, "aria-controls": "panel",
      "aria-selected": name === current, tabindex: name === current ? 0 : -1,
      onclick: () => choose(name),
    }, label);
    const move = (event) => {
      const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
      if (step === undefined) return;
      const all = [...tabs.querySelectorAll("[role=tab]")];
      const next = all[(all.indexOf(document.activeElement) + step + all.length) % all.length];
      next.click();
      tabs.querySelector(`[id="${CSS.escape(next.id)}"], [aria-selected=true]`).focus();
    };
    const names = [...study.sections.map((name) => [name, name]), ...study.arms.map((arm) => [`arm:${arm.name}`, arm.name])];
    const split = study.sections.length;
    tabs.replaceChildren(h("div", { role: "tablist", "aria-label": "What of the study", onkeydown: move },
      h("div", { class: "tabs", role: "presentation" }, names.slice(0, split).map(([name, label]) => button(name, label))),
      h("div", { class: "tabs arms", role: "presentation" }, h("span", { class: "note" }, "Arm "), names.slice(split).map(([name, label]) => button(name, label)))));
  };
  const showPanel = async () => {
    const asked = current;
    const what = isArm() ? { arm: current.slice(4) } : { section: current };
    if (panel.dataset.tab !== current) panel.replaceChildren(h("p", { class: "note" }, "Reading the store …"));
    let blocks;
    try {
      ({ blocks } = await ask("section", { ...address, ...what }));
    } catch (error) {
      isStale = true;
      blocks = [{ kind: "text", text: error.message, quiet: true }];
    }
    if (asked !== current) return;
    const top = window.scrollY;
    panel.dataset.tab = current;
    panel.setAttribute("aria-labelledby", `tab-${current}`);
    panel.replaceChildren(...drawBlocks(blocks, memoryOf(current), { changes: changesBlock(address, memoryOf(current)) }));
    window.scrollTo(0, top);
  };
  const choose = (name) => {
    current = name;
    rename(name);
    showTabs(latest);
    showPanel();
  };
  const update = async () => {
    try {
      const study = await ask("study", address);
      latest = study;
      problem.replaceChildren();
      const now = JSON.stringify(study);
      if (now === shown && !isStale) return;
      const isNew = isStale || shown === "" || JSON.parse(shown).version !== study.version;
      shown = now;
      isStale = false;
      const names = [...study.sections, ...study.arms.map((arm) => `arm:${arm.name}`)];
      if (!names.includes(current)) current = names[0];
      showHead(study);
      if (isNew) {
        const hadFocus = tabs.contains(document.activeElement);
        showTabs(study);
        if (hadFocus) tabs.querySelector("[aria-selected=true]").focus();
        await showPanel();
      }
    } catch (error) {
      isStale = true;
      problem.replaceChildren(h("p", { class: "error" }, error.message));
      if (latest) problem.append(h("p", { class: "note" }, "What stands below was read before."));
    }
  };
  place.replaceChildren(h("p", {}, h("a", { href: "/studies", onclick: open }, "← all studies")), problem, head, tabs, panel);
  return repeat(update, () => (latest?.state === "running" ? 1.5 : 5));
};
