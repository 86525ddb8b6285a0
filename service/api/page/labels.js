/** Names and colors of the labels of a model. */

import { hasWord, word } from "./words.js";

const SENTIMENTS = ["positive", "neutral", "negative"];
const N_PALETTE = 5; // colors in answer.css; further ones are generated
const GOLDEN_ANGLE = 137.508; // degrees: keeps successive hues apart, however many there are

/**
 * The name of a label for readers.
 *
 * A model with labels of its own may mean something else by a common one: names are used only where
 * all labels of the model have one. `model` may be undefined.
 */
export function labelName(label, model) {
  const labels = model?.labels ?? [];
  const isCommon = [label, ...labels].every((one) => hasWord(`label.${one}`));
  return isCommon ? word(`label.${label}`) : label;
}

/** The labels of a model in its order, then those of `found` that it does not list. */
export function labelOrder(model, found) {
  return [...new Set([...(model?.labels ?? []), ...found])];
}

/** Sets the color of an element to that of a label; `order` lists all labels. Returns the element. */
export function paint(element, label, order) {
  const index = order.indexOf(label);
  if (SENTIMENTS.includes(label)) element.classList.add(`kind-${label}`);
  else if (index < N_PALETTE) element.classList.add(`kind-${index}`);
  else {
    element.classList.add("kind-generated");
    element.style.setProperty("--hue", ((index * GOLDEN_ANGLE) % 360).toFixed(1));
  }
  return element;
}
