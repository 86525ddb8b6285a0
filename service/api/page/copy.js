/** A button that copies text, and says that it did. */

import { element } from "./dom.js";
import { word } from "./words.js";

const SAID_MS = 2000;

/**
 * The button. `text` gives what to copy; `shown` is the element that holds it, which is marked where
 * the browser does not let the page copy: outside of https and localhost there is no clipboard.
 */
export function copyButton(text, shown) {
  const button = element("button", { class: "chip copy", type: "button" }, word("copy"));
  button.addEventListener("click", async () => {
    let said = "copied";
    try {
      await navigator.clipboard.writeText(text());
    } catch {
      getSelection().selectAllChildren(shown);
      said = "copy_failed";
    }
    button.textContent = word(said);
    document.getElementById("announcement").textContent = word(said);
    setTimeout(() => (button.textContent = word("copy")), SAID_MS);
  });
  return button;
}
