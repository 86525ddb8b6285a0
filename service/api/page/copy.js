/** A button that copies text and confirms it. */

import { element } from "./dom.js";
import { word } from "./words.js";

const CONFIRMED_MS = 2000;

/**
 * A copy button. `text` returns the text to copy; `shown` is the element that holds it. Where the
 * page has no clipboard access (outside of https and localhost), the content of `shown` is selected.
 */
export function copyButton(text, shown) {
  const button = element("button", { class: "chip copy", type: "button" }, word("copy"));
  button.addEventListener("click", async () => {
    let outcome = "copied";
    try {
      await navigator.clipboard.writeText(text());
    } catch {
      getSelection().selectAllChildren(shown);
      outcome = "copy_failed";
    }
    button.textContent = word(outcome);
    document.getElementById("announcement").textContent = word(outcome);
    setTimeout(() => (button.textContent = word("copy")), CONFIRMED_MS);
  });
  return button;
}
