/** Translation: the options of a request, and source and target side by side. */

import { copyButton } from "./copy.js";
import { element } from "./dom.js";
import { drawWarnings } from "./warnings.js";
import { languageName, milliseconds, number, word } from "./words.js";

/** The options of the form as the API takes them; languages are omitted while no model is known. */
export function options(form) {
  const [source, target] = JSON.parse(form.elements.pair.value || "[]");
  const alternatives = Number(form.elements.alternatives.value);
  return { ...(target ? { source, target } : {}), ...(alternatives > 0 ? { alternatives } : {}) };
}

/** Fills the selection of language pairs. */
export function offerPairs(form, models) {
  const chosen = form.elements.pair.value;
  const pairs = new Set(models.flatMap(pairsOf));
  form.elements.pair.replaceChildren(
    ...[...pairs].map((value) =>
      element("option", { value, selected: value === chosen }, JSON.parse(value).map(languageName).join(" → "))),
  );
}

/** The models of the selected pair, in the order in which the server prefers them. */
export function modelsFor(form, models) {
  return models.filter((model) => pairsOf(model).includes(form.elements.pair.value));
}

/** The pairs of a model as values of options. */
function pairsOf({ language_pairs: pairs }) {
  return pairs.map((pair) => JSON.stringify(pair));
}

/** Summarizes an answer in one line. */
export function summarize(answer, totalMs) {
  return word("translation.found", { n: answer.results.length, time: milliseconds(totalMs) });
}

/** Draws one text and its translation. `model` may be undefined. */
export function draw(result, text, model) {
  const [source, target] = model?.languages ?? [];
  const translated = element("p", { lang: target }, result.text);
  const pair = element("div", { class: "pair" },
    side(source, element("p", { lang: source }, text)),
    side(target, translated, copyButton(() => result.text, translated)));
  return [pair, drawWarnings(result.warnings), drawAlternatives(result.alternatives ?? [], target)];
}

function side(language, ...content) {
  return element("div", {}, language && element("h3", {}, languageName(language)), ...content);
}

function drawAlternatives(alternatives, language) {
  if (alternatives.length === 0) return null;
  const digits = { minimumFractionDigits: 2, maximumFractionDigits: 2 };
  return element("div", { class: "alternatives" },
    element("h3", {}, word("alternatives")),
    element("ol", {}, ...alternatives.map(({ text, score }) =>
      element("li", {}, element("span", { lang: language }, text), " ",
        element("span", { class: "quiet" }, word("score", { score: number(score, digits) }))))));
}
