/** Named entity recognition: the options of a request, and the text with its entities marked. */

import { element } from "./dom.js";
import { labelName, labelOrder, paint } from "./labels.js";
import { milliseconds, number, word } from "./words.js";

const MAX_LEGEND = 12; // above that, the legend lists only the labels that were found

/** The options of the form as the API takes them; those with their default value are omitted. */
export function options(form) {
  const minScore = Number(form.elements.min_score.value);
  return minScore > 0 ? { min_score: minScore } : {};
}

/** Summarizes an answer in one line. */
export function summarize(answer, totalMs) {
  const n = answer.results.reduce((sum, { entities }) => sum + entities.length, 0);
  return word("ner.found", { n, time: milliseconds(totalMs) });
}

/**
 * Splits a text into segments `{text, entity}`; `entity` is undefined between entities.
 *
 * Offsets of the API count code points. JavaScript strings count UTF-16 units, of which an emoji has
 * two or more.
 */
export function segments(text, entities) {
  const points = Array.from(text);
  const found = [];
  let end = 0;
  for (const entity of entities) {
    if (entity.start > end) found.push({ text: points.slice(end, entity.start).join("") });
    found.push({ text: points.slice(entity.start, entity.end).join(""), entity });
    end = entity.end;
  }
  if (end < points.length) found.push({ text: points.slice(end).join("") });
  return found;
}

/** Draws one text with its entities and the legend. `model` may be undefined. */
export function draw(result, text, model) {
  const order = labelOrder(model, result.entities.map(({ label }) => label));
  const marked = segments(text, result.entities).map((segment) =>
    segment.entity ? mark(segment.text, segment.entity, model, order) : segment.text);
  return [
    element("p", { class: "marked", lang: model?.languages[0] }, ...marked),
    result.entities.length === 0 && element("p", { class: "quiet" }, word("ner.nothing")),
    legend(result.entities, model, order),
  ];
}

let nTips = 0;

function mark(text, { label, score }, model, order) {
  const id = `tip-${++nTips}`;
  const digits = { minimumFractionDigits: 3, maximumFractionDigits: 3 };
  const tip = element("span", { role: "tooltip", class: "tip", id },
    `${labelName(label, model)} · ${word("score", { score: number(score, digits) })}`);
  const tag = element("span", { class: "label" }, label);
  const marked = element("mark", { tabindex: "0", "aria-describedby": id }, text, "\u00a0", tag, tip);
  for (const event of ["focus", "pointerenter"]) marked.addEventListener(event, () => keepInside(tip));
  return paint(marked, label, order);
}

/** Moves a tooltip that would extend past the right edge of the window. */
function keepInside(tip) {
  tip.style.translate = "none";
  const excess = tip.getBoundingClientRect().right - document.documentElement.clientWidth + 8;
  if (excess > 0) tip.style.translate = `${-excess}px`;
}

/** The labels of the model with the number of entities of each. */
function legend(entities, model, order) {
  const items = order
    .map((label) => ({ label, n: entities.filter((entity) => entity.label === label).length }))
    .filter(({ n }) => n > 0 || order.length <= MAX_LEGEND)
    .map(({ label, n }) => {
      const name = labelName(label, model);
      const tag = element("span", { class: "label" }, label);
      return paint(element("li", {}, tag, name === label ? " " : ` ${name} `, element("b", {}, number(n))),
        label, order);
    });
  return items.length > 0 && element("ul", { class: "counts", "aria-label": word("ner.counts") }, ...items);
}
