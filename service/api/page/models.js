/** The details of the served models: what `/v1/models` reports, with the quality metrics of each. */

import { element } from "./dom.js";
import { hasWord, languageName, number, word } from "./words.js";

const CHANGE = "_change"; // metrics of quantization: the difference from the model before it

/** One section per model. */
export function drawModels(models) {
  return models.map((model) => {
    const facts = [
      ["models.task", taskName(model.task)],
      ["pair", pairsOf(model).map((pair) => pair.map(languageName).join(" → ")).join(", ")],
      ["models.labels", model.labels.join(", ")],
      ["models.precision", model.precision],
      ["models.memory", memoryOf(model)],
      ["models.state", stateOf(model)],
    ].filter(([, value]) => value !== "");
    return element("section", { class: "model" },
      element("h2", {}, `${model.name} ${model.version}`),
      element("dl", { class: "model-facts" }, ...facts.flatMap(([name, value]) =>
        [element("dt", {}, word(name)), element("dd", {}, value)]),
        element("dt", {}, "SHA-256"), element("dd", {}, model.sha256)),
      ...drawMetrics(model.metrics));
  });
}

/** The language pairs of a translator; of another model its languages. */
function pairsOf({ language_pairs: pairs, languages }) {
  return pairs.length > 0 ? pairs : [languages];
}

/** The memory of a model in MiB; empty while it is not in memory, and where the server does not report it. */
export function memoryOf({ memory_bytes: bytes }) {
  return typeof bytes === "number" ? `${number(bytes / 2 ** 20, { maximumFractionDigits: 0 })} MiB` : "";
}

/** The state of a model that is not ready, with the reason; empty for one that is. */
function stateOf({ state = "ready", reason }) {
  if (state === "ready" && !reason) return "";
  return reason ? `${state}: ${reason}` : state;
}

function taskName(task) {
  return hasWord(`${task}.title`) ? word(`${task}.title`) : task;
}

function drawMetrics(metrics) {
  const shown = Object.entries(metrics).filter(([name, value]) =>
    !name.endsWith(CHANGE) && typeof value === "number");
  if (shown.length === 0) return [];
  return [
    element("h3", {}, word("models.metrics")),
    element("dl", { class: "metrics" }, ...shown.map(([name, value]) =>
      element("div", {}, element("dt", {}, name), element("dd", {}, number(value, { maximumFractionDigits: 4 }))))),
  ];
}
