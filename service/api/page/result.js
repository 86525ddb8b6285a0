/** The card around a result (summary, latency, code for the same request), and the card of an error. */

import { baseUrl } from "./api.js";
import { copyButton } from "./copy.js";
import { element } from "./dom.js";
import { SNIPPETS } from "./snippets.js";
import { hasWord, milliseconds, word } from "./words.js";

const STAGES = ["queue", "pre", "model", "post"];

/**
 * Draws a result.
 *
 * `sent` is `{path, body, texts, needsKey}`, `received` what `request` returns. `task` has `title`,
 * `draw` and `summarize`. `choices` is `{view, snippet}`: "result" or "json", and a key of SNIPPETS.
 * `onChoice(name, value)` is called when the reader selects another one. `model` may be undefined.
 */
export function drawResult({ sent, received, task, model, choices, onChoice }) {
  const { results } = received.document;
  const bodies = results.flatMap((result, i) => {
    const heading = results.length > 1
      && element("h3", { class: "nth" }, word("text_of", { i: i + 1, n: results.length }));
    return [heading, ...task.draw(result, sent.texts[i], model)].filter(Boolean);
  });
  const content = choices.view === "json"
    ? scrollable("json", "JSON", JSON.stringify(received.document, null, 2))
    : element("div", { class: "body" }, ...bodies);
  const views = { result: word("view.result"), json: "JSON" };
  return element("article", { class: "card answer" },
    element("header", {},
      element("h2", {}, word(task.title)),
      element("p", { class: "found" }, task.summarize(received.document, received.stages.total ?? 0, model)),
      choiceOf("view", word("view"), views, choices.view, onChoice)),
    content,
    drawLatency(received.stages),
    drawFacts(received),
    drawSnippet(sent, choices.snippet, onChoice));
}

/** A group of buttons of which one is pressed; `options` maps values to their text. */
function choiceOf(name, label, options, chosen, onChoice) {
  const buttons = Object.entries(options).map(([value, text]) => {
    const attributes = { type: "button", "aria-pressed": String(value === chosen), [`data-${name}`]: value };
    const button = element("button", attributes, text);
    button.addEventListener("click", () => onChoice(name, value));
    return button;
  });
  return element("div", { class: "choice", role: "group", "aria-label": label }, ...buttons);
}

/** Preformatted text that can be wider than the page and is scrolled with the arrow keys. */
function scrollable(name, label, text) {
  return element("pre", { class: name, tabindex: "0", role: "region", "aria-label": label }, text);
}

function drawLatency(stages) {
  const known = STAGES.filter((stage) => stage in stages);
  const bar = element("div", { class: "stages", "aria-hidden": "true" }, ...known.map((stage) => {
    const part = element("span", { class: `stage-${stage}` });
    part.style.flexGrow = stages[stage];
    return part;
  }));
  const rows = [...known, "total"].filter((stage) => stage in stages).map((stage) =>
    element("div", { class: `stage-${stage}` },
      element("dt", {}, word(`stage.${stage}`)), element("dd", {}, milliseconds(stages[stage]))));
  return element("section", { class: "time", "aria-label": word("time") }, bar, element("dl", {}, ...rows));
}

function drawFacts({ document: { model, version, usage }, requestId }) {
  return element("p", { class: "facts quiet" },
    element("span", {}, `${model} ${version}`),
    element("span", {}, word("tokens", { n: usage.n_tokens })),
    element("span", { class: "id" }, word("request", { id: requestId })));
}

function drawSnippet(sent, chosen, onChoice) {
  const code = SNIPPETS[chosen]({ base: baseUrl(), ...sent });
  const shown = scrollable("code", word("snippet"), code);
  const languages = Object.fromEntries(Object.keys(SNIPPETS).map((name) => [name, name]));
  const note = chosen === "JavaScript" ? word("snippet.needs_key_js") : word("snippet.needs_key");
  return element("section", { class: "same" },
    element("header", {},
      element("h3", {}, word("snippet")),
      choiceOf("snippet", word("snippet.language"), languages, chosen, onChoice),
      copyButton(() => code, shown)),
    shown,
    sent.needsKey && element("p", { class: "quiet" }, note));
}

/** Draws an error: what happened and what to do. */
export function drawFailure(failure) {
  return element("article", { class: "card failure" },
    element("h2", {}, describeFailure(failure)),
    element("p", {}, word(`error.${knownCode(failure)}.do`), retryAdvice(failure)),
    failure.detail !== "" && element("p", { class: "quiet" },
      `${word("error.server_says")} `, element("q", { lang: "en" }, failure.detail)),
    failure.requestId !== "" && element("p", { class: "quiet id" }, word("request", { id: failure.requestId })));
}

/** Describes an error in one sentence. */
export function describeFailure(failure) {
  return word(`error.${knownCode(failure)}`);
}

function knownCode({ code }) {
  return hasWord(`error.${code}.do`) ? code : "unknown";
}

function retryAdvice({ retryAfter }) {
  const n = Number(retryAfter);
  return n > 0 ? ` ${word("error.wait", { n })}` : "";
}
