/** The text of the interface in the selected language. */

const WORDS = await (await fetch(new URL("words.json", import.meta.url))).json();
const STORED = "seqserve.language";
const TAGS = { en: "en", zh: "zh-Hans" };
const listeners = [];

export let language = initialLanguage();

/** The language selected before, else the first supported one of the browser, else English. */
function initialLanguage() {
  let stored = null;
  try {
    stored = localStorage.getItem(STORED);
  } catch {
    // Storage can be blocked.
  }
  const preferred = [stored, ...navigator.languages].map((tag) => String(tag).slice(0, 2).toLowerCase());
  return preferred.find((tag) => Object.hasOwn(WORDS, tag)) ?? "en";
}

/** Switches the interface to another language. */
export function setLanguage(tag) {
  language = tag;
  try {
    localStorage.setItem(STORED, tag);
  } catch {
    // The selection then lasts as long as the tab.
  }
  applyWords();
  for (const listener of listeners) listener();
}

/** Calls `listener` after every change of the language. */
export function onLanguage(listener) {
  listeners.push(listener);
}

/** Whether there is a text under this name. */
export function hasWord(name) {
  return Object.hasOwn(WORDS[language], name);
}

/**
 * The text under a name, with {values} filled in; `n` selects singular or plural.
 * The tests check that every name exists in every language.
 */
export function word(name, values = {}) {
  let found = WORDS[language][name];
  if (typeof found === "object") {
    found = found[new Intl.PluralRules(language).select(values.n)] ?? found.other;
  }
  return found.replace(/\{(\w+)\}/g, (_, value) => values[value]);
}

/** Formats a number for the language of the interface. */
export function number(value, options) {
  return new Intl.NumberFormat(language, options).format(value);
}

/** Formats a share of 1 as a percentage. */
export function percent(share) {
  return number(share, { style: "percent", minimumFractionDigits: 1, maximumFractionDigits: 1 });
}

/** Formats milliseconds with two or three significant digits. */
export function milliseconds(ms) {
  const digits = ms < 1 ? 2 : ms < 10 ? 1 : 0;
  return `${number(ms, { maximumFractionDigits: digits })} ms`;
}

/** The name of a language tag such as `zh`; the tag itself if the browser does not know it. */
export function languageName(tag) {
  try {
    return new Intl.DisplayNames([TAGS[language]], { type: "language" }).of(tag);
  } catch {
    return tag;
  }
}

/** Writes the texts into the elements that refer to them. */
export function applyWords() {
  document.documentElement.lang = TAGS[language];
  for (const element of document.querySelectorAll("[data-word]")) {
    element.textContent = word(element.dataset.word);
  }
  for (const element of document.querySelectorAll("[data-word-label]")) {
    element.setAttribute("aria-label", word(element.dataset.wordLabel));
  }
}
