/** The words of the interface, in the language that was chosen. Knows no task. */

const WORDS = await (await fetch(new URL("words.json", import.meta.url))).json();
const STORED = "seqserve.language";
const TAGS = { en: "en", zh: "zh-Hans" };
const listeners = [];

export let language = choose();

function choose() {
  let stored = null;
  try {
    stored = localStorage.getItem(STORED);
  } catch {
    // Storage may be forbidden.
  }
  const wished = [stored, ...navigator.languages].map((tag) => String(tag).slice(0, 2).toLowerCase());
  return wished.find((tag) => tag in WORDS) ?? "en";
}

/** Speaks another language from now on. */
export function speak(tag) {
  language = tag;
  try {
    localStorage.setItem(STORED, tag);
  } catch {
    // Then it is forgotten with the tab.
  }
  fill();
  for (const listener of listeners) listener();
}

/** Calls back when the language has changed. */
export function onLanguage(listener) {
  listeners.push(listener);
}

/** Whether there are words under this name. */
export function hasWord(name) {
  return name in WORDS[language];
}

/**
 * The words under a name, with {values} put in; `n` chooses between singular and plural.
 * There are tests that every name exists in every language.
 */
export function word(name, values = {}) {
  let found = WORDS[language][name];
  if (typeof found === "object") {
    found = found[new Intl.PluralRules(language).select(values.n)] ?? found.other;
  }
  return found.replace(/\{(\w+)\}/g, (_, value) => values[value]);
}

/** A number of the interface's language. */
export function number(value, options) {
  return new Intl.NumberFormat(language, options).format(value);
}

export function percent(share) {
  return number(share, { style: "percent", minimumFractionDigits: 1, maximumFractionDigits: 1 });
}

/** Milliseconds, with as many digits as one wants to read. */
export function milliseconds(ms) {
  const digits = ms < 1 ? 2 : ms < 10 ? 1 : 0;
  return `${number(ms, { maximumFractionDigits: digits })} ms`;
}

/** The name of a language, such as `zh`; the tag itself where the browser knows none. */
export function languageName(tag) {
  try {
    return new Intl.DisplayNames([TAGS[language]], { type: "language" }).of(tag);
  } catch {
    return tag;
  }
}

/** What a label of a model means; the label itself where there are no words for it. */
export function labelName(label) {
  return hasWord(`label.${label}`) ? word(`label.${label}`) : label;
}

/** Puts the words into the elements that name them. */
export function fill() {
  document.documentElement.lang = TAGS[language];
  for (const element of document.querySelectorAll("[data-word]")) {
    element.textContent = word(element.dataset.word);
  }
  for (const element of document.querySelectorAll("[data-word-label]")) {
    element.setAttribute("aria-label", word(element.dataset.wordLabel));
  }
}
