/** Sentiment: what is asked, and the verdicts with their probabilities. */

import { element } from "./dom.js";
import { labelName, milliseconds, percent, word } from "./words.js";

export function options(form) {
  return form.elements.sentences.checked ? { sentences: true } : {};
}

export function summary(answer, totalMs) {
  const time = milliseconds(totalMs);
  const n = answer.results.length;
  if (n > 1) return word("sentiment.found_many", { n, time });
  const [{ label, score }] = answer.results;
  return word("sentiment.found", { label: labelName(label), share: percent(score), time });
}

/** One text with its verdict, and those on its sentences. `model` may be unknown. */
export function draw(result, text, model) {
  const verdict = element("dl", { class: "verdict" },
    ...Object.entries(result.scores)
      .sort(([, one], [, other]) => other - one)
      .map(([label, share]) => row(label, share, label === result.label)));
  const sentences = result.sentences ?? [];
  const shown = [element("p", { class: "judged", lang: model?.languages[0] }, text), verdict];
  if (sentences.length === 0) return shown;
  return [
    ...shown,
    element("h3", {}, word("sentiment.sentences")),
    element("ol", { class: "sentences" }, ...sentences.map((sentence) => judged(sentence, model))),
  ];
}

function row(label, share, isFirst) {
  return element("div", { class: `tone-${tone(label)}`, "data-first": isFirst },
    element("dt", {}, labelName(label)),
    element("dd", {}, bar(share), element("span", { class: "share" }, percent(share))));
}

function judged({ text, label, score }, model) {
  return element("li", { class: `tone-${tone(label)}` },
    element("span", { class: "sentence", lang: model?.languages[0] }, text),
    element("span", { class: "said" }, element("span", { class: "label" }, labelName(label)),
      bar(score), element("span", { class: "share" }, percent(score))));
}

/** A picture of a share that stands beside it in words. */
function bar(share) {
  const filled = element("span", {});
  filled.style.width = `${share * 100}%`;
  return element("span", { class: "bar", "aria-hidden": "true" }, filled);
}

function tone(label) {
  return label === "positive" || label === "negative" ? label : "other";
}
