// The room "Studies": a list, one study, or one over several data sets; which, and which of its tabs,
// is in the address.
import { showDatasets } from "./datasets.js";
import { showList } from "./list.js";
import { showStudy } from "./study.js";

const place = document.getElementById("studies");
const ofList = {}, ofStudies = new Map();
let leave = () => {};

const rename = (tab) => {
  const address = new URL(location.href);
  address.searchParams.set("tab", tab);
  history.replaceState(null, "", address);
};

const open = (event) => {
  if (event.ctrlKey || event.metaKey || event.shiftKey) return;
  event.preventDefault();
  history.pushState(null, "", event.currentTarget.href);
  show();
  document.getElementById("main").focus();
};

const show = () => {
  leave();
  const wanted = new URLSearchParams(location.search);
  const store = wanted.get("store"), study = wanted.get("study"), digest = wanted.get("datasets");
  if (store === null || (study === null && digest === null)) {
    leave = showList(place, open, ofList);
    return;
  }
  const key = `${store}/${study ?? digest}`;
  if (!ofStudies.has(key)) ofStudies.set(key, new Map());
  if (study === null) leave = showDatasets(place, { store, digest }, open, ofStudies.get(key));
  else leave = showStudy(place, { store, study }, wanted.get("tab") ?? "Results", open, rename, ofStudies.get(key));
};

window.addEventListener("popstate", show);
show();
