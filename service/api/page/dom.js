/** Creates elements from names, attributes and children. Strings become text, never markup. */

/**
 * Creates an element: `element("p", {class: "quiet", hidden: true}, "some text", child)`.
 * Attributes and children that are `false`, `null` or `undefined` are omitted.
 */
export function element(name, attributes = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (value === true) made.setAttribute(key, "");
    else if (value !== false && value !== null && value !== undefined) made.setAttribute(key, value);
  }
  made.append(...children.filter((child) => child !== false && child !== null && child !== undefined));
  return made;
}
