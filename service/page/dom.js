/** Elements from names, attributes and children. Strings become text, never markup. */

const SVG = "http://www.w3.org/2000/svg";

/**
 * An element: `element("p", {class: "quiet", hidden: true}, "some text", another)`.
 * `false`, `null` and `undefined` leave an attribute or a child out.
 */
export function element(name, attributes = {}, ...children) {
  return put(document.createElement(name), attributes, children);
}

export function svg(name, attributes = {}, ...children) {
  return put(document.createElementNS(SVG, name), attributes, children);
}

function put(made, attributes, children) {
  for (const [key, value] of Object.entries(attributes)) {
    if (value === true) made.setAttribute(key, "");
    else if (value !== false && value !== null && value !== undefined) made.setAttribute(key, value);
  }
  made.append(...children.filter((child) => child !== false && child !== null && child !== undefined));
  return made;
}
