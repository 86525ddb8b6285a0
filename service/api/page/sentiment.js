/** Sentiment: the options of a request, and the labels with their probabilities. */

import { element } from "./dom.js";
import { labelName, labelOrder, paint } from "./labels.js";
import { drawWarnings } from "./warnings.js";
import { milliseconds, percent, word } from "./words.js";

/**
 * The options of the form as the API takes them; those with their default value are omitted. A model that has
 * learnt a neutral class answers it. `model` may be undefined.
 */
export function options(form, model) {
  return {
    ...(form.elements.sentences.checked ? { sentences: true } : {}),
    ...(model?.labels.includes("neutral") ? { neutral: true } : {}),
  };
}

/** Summarizes an answer in one line. `model` may be undefined. */
export function summarize(answer, totalMs, model) {
  const time = milliseconds(totalMs);
  const n = answer.results.length;
  if (n > 1) return word("sentiment.found_many", { n, time });
  const [{ label, score }] = answer.results;
  if (label === null) return word("sentiment.found_none", { time }); // no visible character
  return word("sentiment.found", { label: labelName(label, model), share: percent(score), time });
}

/** Draws one text with its sentiment, and the sentiment of its sentences. `model` may be undefined. */
export function draw(result, text, model) {
  const order = labelOrder(model, Object.keys(result.scores));
  const scores = Object.entries(result.scores).sort(([, one], [, other]) => other - one);
  const sentences = result.sentences ?? [];
  const list = element("ol", { class: "sentences" }, ...sentences.map((one) => drawSentence(one, model, order)));
  return [
    element("p", { class: "source", lang: model?.languages[0] }, text),
    element("dl", { class: "scores" }, ...scores.map(([label, share]) =>
      drawScore(label, share, { isFirst: label === result.label, model, order }))),
    drawWarnings(result.warnings ?? []),
    ...(sentences.length > 0 ? [element("h3", {}, word("sentiment.sentences")), list] : []),
  ];
}

/** One label with its share, as a row of `dl.scores`; `isFirst` marks it as answered. */
export function drawScore(label, share, { isFirst, model, order }) {
  const row = element("div", { "data-first": isFirst },
    element("dt", {}, labelName(label, model)),
    element("dd", {}, bar(share), element("span", { class: "share" }, percent(share))));
  return paint(row, label, order);
}

function drawSentence({ text, label, score }, model, order) {
  const item = element("li", {},
    element("span", { class: "sentence", lang: model?.languages[0] }, text),
    element("span", { class: "outcome" }, element("span", { class: "label" }, labelName(label, model)),
      bar(score), element("span", { class: "share" }, percent(score))));
  return paint(item, label, order);
}

/** A bar for a share that is also written beside it. */
function bar(share) {
  const filled = element("span", {});
  filled.style.width = `${share * 100}%`;
  return element("span", { class: "bar", "aria-hidden": "true" }, filled);
}
