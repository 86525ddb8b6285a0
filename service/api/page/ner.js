/** Names: what is asked, and the text with its names marked in place. */

import { element } from "./dom.js";
import { labelName, milliseconds, number, word } from "./words.js";

const N_KINDS = 6; // colours in answer.css; further labels share the last one

/** The options of the form, as the API takes them; what is left at its default is left out. */
export function options(form) {
  const minScore = Number(form.elements.min_score.value);
  return minScore > 0 ? { min_score: minScore } : {};
}

export function summary(answer, totalMs) {
  const n = answer.results.reduce((sum, { entities }) => sum + entities.length, 0);
  return word("ner.found", { n, time: milliseconds(totalMs) });
}

/**
 * A text cut into pieces `{text, entity}`, where entity is undefined between the names.
 *
 * Offsets of the API count code points; those of a JavaScript string count UTF-16 units, of which an
 * emoji has two or more.
 */
export function pieces(text, entities) {
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

/** One text with its names. `model` may be unknown. */
export function draw(result, text, model) {
  const labels = model?.labels ?? [];
  const known = [...labels, ...result.entities.map(({ label }) => label)];
  const order = [...new Set(known)];
  const marked = pieces(text, result.entities).map(({ text: piece, entity }) =>
    entity ? mark(piece, entity, kind(order, entity.label)) : piece,
  );
  const shown = element("p", { class: "marked", lang: model?.languages[0] }, ...marked);
  if (result.entities.length === 0) return [shown, element("p", { class: "quiet" }, word("ner.nothing"))];
  return [shown, counts(result.entities, order)];
}

function kind(order, label) {
  return Math.min(order.indexOf(label), N_KINDS - 1);
}

let nTips = 0;

function mark(piece, { label, score }, colour) {
  const id = `tip-${++nTips}`;
  const digits = { minimumFractionDigits: 3, maximumFractionDigits: 3 };
  const tip = element("span", { role: "tooltip", class: "tip", id },
    `${labelName(label)} · ${word("score", { score: number(score, digits) })}`);
  const tag = element("span", { class: "label" }, label);
  const attributes = { class: `kind-${colour}`, tabindex: "0", "aria-describedby": id };
  const marked = element("mark", attributes, piece, "\u00a0", tag, tip);
  for (const coming of ["focus", "pointerenter"]) marked.addEventListener(coming, () => keepInside(tip));
  return marked;
}

/** Moves a tip that would stand out of the window on the right. */
function keepInside(tip) {
  tip.style.translate = "none";
  const over = tip.getBoundingClientRect().right - document.documentElement.clientWidth + 8;
  if (over > 0) tip.style.translate = `${-over}px`;
}

function counts(entities, order) {
  const items = order
    .map((label) => [label, entities.filter((entity) => entity.label === label).length])
    .filter(([, n]) => n > 0)
    .map(([label, n]) =>
      element("li", { class: `kind-${kind(order, label)}` },
        element("span", { class: "label" }, label), ` ${labelName(label)} `, element("b", {}, number(n))),
    );
  return element("ul", { class: "counts", "aria-label": word("ner.counts") }, ...items);
}
