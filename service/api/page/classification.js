/** Classification with any labels: the options of a request, and the labels with their probabilities. */

import { element } from "./dom.js";
import { labelName, labelOrder } from "./labels.js";
import { drawScore } from "./sentiment.js";
import { drawWarnings } from "./warnings.js";
import { milliseconds, percent, word } from "./words.js";

const MAX_SCORES = 20;

/** The options of the form as the API takes them; those with their default value are omitted. */
export function options(form) {
  const minScore = Number(form.elements.min_score.value);
  return { ...(minScore > 0 ? { min_score: minScore } : {}), top: MAX_SCORES };
}

/** Summarizes an answer in one line. `model` may be undefined. */
export function summarize(answer, totalMs, model) {
  const time = milliseconds(totalMs);
  const n = answer.results.length;
  if (n > 1) return word("sentiment.found_many", { n, time });
  const [{ labels, scores }] = answer.results;
  if (Object.keys(scores).length === 0) return word("sentiment.found_none", { time }); // no visible character
  if (labels.length !== 1) return word("classification.found", { n: labels.length, time });
  const [{ label, score }] = labels;
  return word("sentiment.found", { label: labelName(label, model), share: percent(score), time });
}

/** Draws one text with the most probable labels; those that the model answers are marked. */
export function draw(result, text, model) {
  const order = labelOrder(model, Object.keys(result.scores));
  const answered = new Set(result.labels.map(({ label }) => label));
  const scores = Object.entries(result.scores).sort(([, one], [, other]) => other - one);
  return [
    element("p", { class: "source", lang: model?.languages[0] }, text),
    element("dl", { class: "scores labels" }, ...scores.map(([label, share]) =>
      drawScore(label, share, { isFirst: answered.has(label), model, order }))),
    scores.length > 0 && answered.size === 0 && element("p", { class: "quiet" }, word("classification.nothing")),
    drawWarnings(result.warnings ?? []),
  ];
}
