/** Connects the parts of the page: panels, tabs, status strip, API key, theme and language. */

import { useKey } from "./api.js";
import { drawModels } from "./models.js";
import { Panel } from "./panel.js";
import { refresh, refreshModelsFor, refreshWithNewKey, watch } from "./status.js";
import { makeTabs } from "./tabs.js";
import { makeThemeSwitch } from "./theme.js";
import { applyWords, language, onLanguage, setLanguage } from "./words.js";

const KEY_CODES = ["missing_key", "unknown_key"];
const STATE_CODES = ["network", "not_ready", "draining", "model_unavailable"];

const byId = (id) => document.getElementById(id);
let models = [];

function start() {
  applyWords();
  const panels = [...document.querySelectorAll("[role=tabpanel]")].map((section) =>
    new Panel(section, { onResult: ({ model, version }) => refreshModelsFor(model, version), onFailure }));
  const startExample = ({ dataset }) => panels.find(({ name }) => name === dataset.task).start();
  const showTabs = makeTabs(document.querySelector("[role=tablist]"), startExample);
  makeThemeSwitch(byId("theme"));
  makeLanguageSwitch(byId("language"), panels);
  byId("key").addEventListener("submit", (event) => {
    event.preventDefault();
    useKey(byId("key-field").value.trim());
    refreshWithNewKey();
  });
  byId("details-link").addEventListener("click", () => (byId("details").open = true));
  document.addEventListener("keydown", closeTips);
  watch((found) => {
    models = found;
    for (const panel of panels) panel.useModels(models);
    showDetails();
    showTabs(models.filter(({ state = "ready" }) => state === "ready").map(({ task }) => task));
  }, showKeyForm);
}

function onFailure({ code }) {
  if (KEY_CODES.includes(code)) showKeyForm();
  if (STATE_CODES.includes(code)) refresh();
}

function showKeyForm() {
  byId("key").hidden = false;
}

function showDetails() {
  byId("details").hidden = byId("details-link").hidden = models.length === 0;
  byId("details-models").replaceChildren(...drawModels(models));
}

function makeLanguageSwitch(button, panels) {
  const other = () => (language === "en" ? { tag: "zh", name: "中文" } : { tag: "en", name: "English" });
  const show = () => {
    button.lang = other().tag;
    button.textContent = other().name;
  };
  button.addEventListener("click", () => setLanguage(other().tag));
  onLanguage(() => {
    show();
    showDetails();
    for (const panel of panels) {
      panel.offerPairs();
      panel.offerModels();
      panel.draw();
    }
  });
  show();
}

/** Closes the open tooltips on Escape, until their entities are left or focused again. */
function closeTips({ key }) {
  if (key !== "Escape") return;
  for (const mark of document.querySelectorAll("mark:is(:hover, :focus)")) {
    mark.classList.add("closed");
    const open = () => mark.classList.remove("closed");
    for (const next of ["focus", "blur", "pointerleave"]) mark.addEventListener(next, open, { once: true });
  }
}

start();
