/** The warnings of a result, in words. */

import { element } from "./dom.js";
import { hasWord, word } from "./words.js";

/** Draws the codes of a result's warnings as a list; null if there are none. */
export function drawWarnings(warnings) {
  if (warnings.length === 0) return null;
  return element("ul", { class: "warnings" }, ...warnings.map((code) =>
    element("li", {}, hasWord(`warning.${code}`) ? word(`warning.${code}`) : word("warning.unknown", { code }))));
}
