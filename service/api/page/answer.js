/** The frame around an answer: what was found, how long it took, and how to ask the same; or why there is none. */

import { addressOf } from "./ask.js";
import { copyButton } from "./copy.js";
import { curlLine } from "./curl.js";
import { element } from "./dom.js";
import { hasWord, milliseconds, word } from "./words.js";

const STAGES = ["queue", "pre", "model", "post"];

/**
 * An answer in full.
 *
 * `asked` is `{path, body, texts, needsKey}`; `got` what `ask` gives; `task` has `draw` and `summary`;
 * `view` is "text" or "json", and `onView` is called with the other one when it is chosen.
 */
export function drawAnswer({ asked, got, task, model, view, onView }) {
  const { results } = got.document;
  const bodies = results.flatMap((result, i) => {
    const place = { i: i + 1, n: results.length };
    const heading = results.length > 1 && element("h3", { class: "nth" }, word("text_of", place));
    return [heading, ...task.draw(result, asked.texts[i], model)].filter(Boolean);
  });
  const content = view === "json"
    ? scrolled("json", word("view.json"), JSON.stringify(got.document, null, 2))
    : element("div", { class: "body" }, ...bodies);
  return element("article", { class: "card answer" },
    element("header", {},
      element("h2", {}, word("answer")),
      element("p", { class: "found" }, task.summary(got.document, got.stages.total ?? 0)),
      views(view, onView)),
    content,
    drawTime(got.stages),
    drawFacts(got),
    drawCurl(asked));
}

function views(view, onView) {
  const button = (name) => {
    const made = element("button", { type: "button", "aria-pressed": String(name === view), "data-view": name },
      word(`view.${name}`));
    made.addEventListener("click", () => onView(name));
    return made;
  };
  return element("div", { class: "views", role: "group", "aria-label": word("view") }, button("text"), button("json"));
}

/** Text of fixed width that may be wider than the page, and that the arrow keys can then scroll. */
function scrolled(name, label, text) {
  return element("pre", { class: name, tabindex: "0", role: "region", "aria-label": label }, text);
}

function drawTime(stages) {
  const there = STAGES.filter((stage) => stage in stages);
  const bar = element("div", { class: "stages", "aria-hidden": "true" }, ...there.map((stage) => {
    const part = element("span", { class: `stage-${stage}` });
    part.style.flexGrow = stages[stage];
    return part;
  }));
  const words = [...there, "total"].filter((stage) => stage in stages).map((stage) =>
    element("div", { class: `stage-${stage}` },
      element("dt", {}, word(`stage.${stage}`)), element("dd", {}, milliseconds(stages[stage]))));
  return element("section", { class: "time", "aria-label": word("time") }, bar, element("dl", {}, ...words));
}

function drawFacts({ document: { model, version, usage }, requestId }) {
  return element("p", { class: "facts quiet" },
    element("span", {}, word("model", { name: model, version })),
    element("span", {}, word("tokens", { n: usage.n_tokens })),
    element("span", { class: "id" }, word("request", { id: requestId })));
}

function drawCurl({ path, body, needsKey }) {
  const line = curlLine(addressOf(path), body, needsKey);
  const shown = scrolled("shell", word("same"), line);
  return element("section", { class: "same" },
    element("header", {}, element("h3", {}, word("same")), copyButton(() => line, shown)),
    shown,
    needsKey && element("p", { class: "quiet" }, word("same.needs_key")));
}

/** Why there is no answer, and what to do. */
export function drawFailure(failure) {
  return element("article", { class: "card failure" },
    element("h2", {}, failureWords(failure)),
    element("p", {}, word(`error.${known(failure)}.do`), wait(failure)),
    failure.detail !== "" && element("p", { class: "quiet" },
      `${word("error.server_says")} `, element("q", { lang: "en" }, failure.detail)),
    failure.requestId !== "" && element("p", { class: "quiet id" }, word("request", { id: failure.requestId })));
}

/** The failure in one sentence. */
export function failureWords(failure) {
  return word(`error.${known(failure)}`);
}

function known({ code }) {
  return hasWord(`error.${code}.do`) ? code : "unknown";
}

function wait({ retryAfter }) {
  const n = Number(retryAfter);
  return n > 0 ? ` ${word("error.wait", { n })}` : "";
}
