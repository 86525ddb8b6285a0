/** Puts the page together: forms ask, answers are drawn where they belong. */

import { drawAnswer, drawFailure, failureWords } from "./answer.js";
import { ask, Failure, hasKey, useKey } from "./ask.js";
import * as ner from "./ner.js";
import * as sentiment from "./sentiment.js";
import { look, meet, unlock, watch } from "./status.js";
import { makeTabs } from "./tabs.js";
import { makeThemeSwitch } from "./theme.js";
import * as translation from "./translation.js";
import { fill, language, onLanguage, speak, word } from "./words.js";

const TASKS = {
  ner: { path: "v1/ner", ...ner },
  sentiment: { path: "v1/sentiment", ...sentiment },
  translation: { path: "v1/translate", ...translation },
};
const KEY_CODES = ["missing_key", "unknown_key"];
const STATE_CODES = ["network", "not_ready", "draining", "model_unavailable"];

const byId = (id) => document.getElementById(id);
let models = [];

/** One task's form and the place for its answers. */
class Panel {
  constructor(section) {
    this.name = section.dataset.task;
    this.task = TASKS[this.name];
    this.form = section.querySelector("form");
    this.place = section.querySelector(".result");
    this.view = "text";
    this.shown = null; // {asked, got} or {failure}
    this.pending = null; // the AbortController of the question on its way
    this.listen();
  }

  listen() {
    const { form } = this;
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.run();
    });
    form.addEventListener("keydown", (event) => {
      if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
        event.preventDefault();
        this.run();
      }
    });
    form.addEventListener("click", ({ target }) => {
      if (target.dataset.text === undefined) return;
      form.elements.text.value = target.dataset.text;
      this.run();
    });
    const range = form.elements.min_score;
    range?.addEventListener("input", () => (form.querySelector("output").textContent = range.value));
  }

  /** Tells the browser, for its voices and spelling, which language the model reads. */
  read() {
    const model = models.find(({ task }) => task === this.name);
    if (model) this.form.elements.text.lang = model.languages[0];
  }

  /** The texts of the form: the whole field, or its lines. */
  texts() {
    const { text, lines } = this.form.elements;
    if (!lines.checked) return [text.value];
    const found = text.value.split("\n").filter((line) => line.trim() !== "");
    return found.length > 0 ? found : [text.value];
  }

  /** Asks, and shows the answer or why there is none. The last question counts. */
  async run() {
    this.pending?.abort();
    const pending = (this.pending = new AbortController());
    const texts = this.texts();
    const question = { text: this.form.elements.lines.checked ? texts : texts[0], ...this.task.options(this.form) };
    const asked = { path: this.task.path, body: JSON.stringify(question), texts, needsKey: hasKey() };
    this.place.setAttribute("aria-busy", "true");
    announce(word("working"));
    try {
      const got = await ask(asked.path, { body: asked.body, signal: pending.signal });
      if (!Array.isArray(got.document?.results)) throw new Failure("unknown");
      this.show({ asked, got });
      announce(this.task.summary(got.document, got.stages.total ?? 0));
      meet(got.document.model, got.document.version);
    } catch (failure) {
      if (pending.signal.aborted) return;
      if (!failure.code) throw failure;
      this.show({ failure });
      announce(failureWords(failure));
      if (KEY_CODES.includes(failure.code)) askForKey();
      if (STATE_CODES.includes(failure.code)) look();
    }
    this.place.setAttribute("aria-busy", "false");
  }

  show(shown) {
    this.shown = shown;
    this.draw();
  }

  draw() {
    if (this.shown === null) return;
    const { asked, got, failure } = this.shown;
    if (failure) {
      this.place.replaceChildren(drawFailure(failure));
      return;
    }
    const model = models.find(({ name }) => name === got.document.model);
    const onView = (view) => {
      this.view = view;
      this.draw();
      this.place.querySelector(`[data-view=${view}]`).focus();
    };
    this.place.replaceChildren(drawAnswer({ asked, got, task: this.task, model, view: this.view, onView }));
  }
}

/** Says something to those who do not see the page. */
function announce(words) {
  byId("announcement").textContent = words;
}

function askForKey() {
  byId("key").hidden = false;
}

function useModels(found, panels, keepTabs) {
  models = found;
  for (const panel of panels) panel.read();
  keepTabs(models.map(({ task }) => task));
  offerPairs();
  for (const panel of panels) panel.draw();
}

function offerPairs() {
  const form = document.querySelector("[data-task=translation] form");
  translation.offer(form, models.filter(({ task }) => task === "translation"));
}

function start() {
  fill();
  const panels = [...document.querySelectorAll("[role=tabpanel]")].map((section) => new Panel(section));
  const keepTabs = makeTabs(document.querySelector("[role=tablist]"));
  makeThemeSwitch(byId("theme"));
  const other = () => (language === "en" ? { tag: "zh", name: "中文" } : { tag: "en", name: "English" });
  const offerLanguage = () => {
    byId("language").lang = other().tag;
    byId("language").textContent = other().name;
  };
  byId("language").addEventListener("click", () => speak(other().tag));
  onLanguage(() => {
    offerLanguage();
    offerPairs();
    for (const panel of panels) panel.draw();
  });
  offerLanguage();
  byId("key").addEventListener("submit", (event) => {
    event.preventDefault();
    useKey(byId("key-field").value.trim());
    unlock();
  });
  document.addEventListener("keydown", closeTip);
  watch((found) => useModels(found, panels, keepTabs), askForKey);
}

/** Escape puts a name's score away, until the name is left or comes into focus. */
function closeTip({ key }) {
  if (key !== "Escape") return;
  for (const mark of document.querySelectorAll("mark:is(:hover, :focus)")) {
    mark.classList.add("closed");
    const open = () => mark.classList.remove("closed");
    for (const next of ["focus", "blur", "pointerleave"]) mark.addEventListener(next, open, { once: true });
  }
}

start();
