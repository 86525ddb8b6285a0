/** The panel of one task: its form, its examples and the place of its result. */

import { Failure, hasKey, request } from "./api.js";
import * as classification from "./classification.js";
import { element } from "./dom.js";
import { examplesFor } from "./examples.js";
import * as ner from "./ner.js";
import { describeFailure, drawFailure, drawResult } from "./result.js";
import * as sentiment from "./sentiment.js";
import * as translation from "./translation.js";
import { word } from "./words.js";

const TASKS = {
  ner: { path: "v1/ner", title: "ner.title", ...ner },
  sentiment: { path: "v1/sentiment", title: "sentiment.title", ...sentiment },
  classification: { path: "v1/classify", title: "classification.title", ...classification },
  translation: { path: "v1/translate", title: "translation.title", ...translation },
};

export class Panel {
  /** `onResult` is called with each answer of the API, `onFailure` with each Failure. */
  constructor(section, { onResult, onFailure }) {
    this.name = section.dataset.task;
    this.task = TASKS[this.name];
    this.form = section.querySelector("form");
    this.place = section.querySelector(".result");
    this.onResult = onResult;
    this.onFailure = onFailure;
    this.models = []; // of this task
    this.choices = { view: "result", snippet: "curl" };
    this.shown = null; // {sent, received} or {failure}
    this.pending = null; // the AbortController of the current request
    this.hasStarted = false;
    this.addModelField();
    this.listen();
  }

  /** Adds the field that selects a model; it is shown if there are several. */
  addModelField() {
    const label = element("span", { "data-word": "model" }, word("model"));
    this.form.querySelector(".options").prepend(
      element("label", { hidden: true }, label, " ", element("select", { name: "model" })));
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
    form.elements.pair?.addEventListener("change", () => this.offerModels());
    form.addEventListener("change", ({ target }) => ["pair", "model"].includes(target.name) && this.showModel());
    const range = form.elements.min_score;
    range?.addEventListener("input", () => (form.querySelector("output").textContent = range.value));
  }

  /** Adapts the form to the served models. */
  useModels(models) {
    this.models = models.filter(({ task, state = "ready" }) =>
      task === this.name && ["ready", "unloaded"].includes(state));
    this.offerPairs();
    this.offerModels();
    this.showModel();
    this.draw();
  }

  /** Fills the selection of models, the one that answers by default first; it is hidden if there is no choice. */
  offerModels() {
    const select = this.form.elements.model;
    const candidates = this.task.modelsFor ? this.task.modelsFor(this.form, this.models) : this.models;
    const chosen = select.value;
    select.closest("label").hidden = candidates.length < 2;
    select.replaceChildren(...candidates.map(({ id }) =>
      element("option", { value: id, selected: id === chosen }, id)));
  }

  /** The model that the form selects; undefined if the task has none. */
  selectedModel() {
    const model = this.models.find(({ id }) => id === this.form.elements.model.value) ?? this.models[0];
    return withPair(model, JSON.parse(this.form.elements.pair?.value || "[]"));
  }

  /** The field `model` of a request; omitted for the model that answers by default. */
  modelField() {
    const { value, selectedIndex } = this.form.elements.model;
    return selectedIndex > 0 ? { model: value } : {};
  }

  /** Adapts the text field and the examples to the selected model. */
  showModel() {
    const model = this.selectedModel();
    if (model === undefined) return;
    this.form.elements.text.lang = model.languages[0]; // for screen readers and the spelling checker
    const row = this.form.querySelector(".examples");
    for (const chip of row.querySelectorAll(".chip")) chip.remove();
    const examples = examplesFor(model);
    row.hidden = examples.length === 0;
    row.append(...examples.map(({ name, text }) =>
      element("button", { class: "chip", type: "button", "data-word": name, "data-text": text }, word(name))));
  }

  offerPairs() {
    if (this.task.offerPairs) this.task.offerPairs(this.form, this.models);
  }

  /** Runs the first example, once, unless there is a text already. */
  start() {
    const [example] = [this.selectedModel()].filter(Boolean).flatMap(examplesFor);
    if (this.hasStarted || example === undefined) return;
    this.hasStarted = true;
    if (this.form.elements.text.value !== "") return;
    this.form.elements.text.value = example.text;
    this.run({ isAnnounced: false });
  }

  /** The texts of the form: the whole field, or its lines. */
  texts() {
    const { text, lines } = this.form.elements;
    if (!lines.checked) return [text.value];
    const found = text.value.split("\n").filter((line) => line.trim() !== "");
    return found.length > 0 ? found : [text.value];
  }

  /** Sends the form and shows the result or the error. Cancels the request before it. */
  async run({ isAnnounced = true } = {}) {
    this.pending?.abort();
    const pending = (this.pending = new AbortController());
    const announce = (text) => isAnnounced && (document.getElementById("announcement").textContent = text);
    const texts = this.texts();
    const options = this.task.options(this.form, this.selectedModel());
    const fields = { text: this.form.elements.lines.checked ? texts : texts[0], ...options, ...this.modelField() };
    // Who sends an empty form has forgotten the text, and is to be told so.
    if (texts.every((text) => text.trim() === "")) fields.on_blank = "error";
    const sent = { path: this.task.path, body: JSON.stringify(fields), texts, needsKey: hasKey() };
    this.hasStarted = true;
    this.place.setAttribute("aria-busy", "true");
    announce(word("working"));
    try {
      const received = await request(sent.path, { body: sent.body, signal: pending.signal });
      if (!Array.isArray(received.document?.results)) throw new Failure("unknown");
      this.show({ sent, received });
      announce(this.summary());
      this.onResult(received.document);
    } catch (failure) {
      if (pending.signal.aborted) return;
      if (!failure.code) throw failure;
      this.show({ failure });
      announce(describeFailure(failure));
      this.onFailure(failure);
    }
    this.place.setAttribute("aria-busy", "false");
  }

  show(shown) {
    this.shown = shown;
    this.draw();
  }

  /** The model that gave the shown result; undefined if it is not known. */
  model() {
    const { model, version } = this.shown.received.document;
    const { source, target } = JSON.parse(this.shown.sent.body);
    return withPair(this.models.find((one) => one.name === model && one.version === version), [source, target]);
  }

  summary() {
    const { document, stages } = this.shown.received;
    return this.task.summarize(document, stages.total ?? 0, this.model());
  }

  draw() {
    if (this.shown === null) return;
    if (this.shown.failure) {
      this.place.replaceChildren(drawFailure(this.shown.failure));
      return;
    }
    const onChoice = (name, value) => {
      this.choices[name] = value;
      this.draw();
      this.place.querySelector(`[data-${name}=${value}]`).focus();
    };
    const { task, choices } = this;
    this.place.replaceChildren(drawResult({ ...this.shown, task, model: this.model(), choices, onChoice }));
  }
}

/** A model with the languages of a request instead of all of its own; `pair` may be empty, `model` undefined. */
function withPair(model, [source, target]) {
  return model && source && target ? { ...model, languages: [source, target] } : model;
}
