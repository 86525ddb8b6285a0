/** The strip at the top: is the server ready, which models, how much traffic. Asks only while it is seen. */

import { ask } from "./ask.js";
import { element } from "./dom.js";
import { countPredictions, parse, quantile, rate } from "./metrics.js";
import { milliseconds, number, onLanguage, word } from "./words.js";

const EVERY_MS = 5000;
const N_POINTS = 60; // of the sparkline: five minutes
const WINDOW = 12; // looks in the window of p95: one minute
const FAULTS = { draining: "draining", network: "network", missing_key: "key", unknown_key: "key" };

const looks = []; // {at, count, buckets}, the latest last
let state = "asking";
let trouble = null; // why there are no metrics, or null
let models = [];
let onModels = () => {};
let onKey = () => {};
let timer = 0;
const refused = new Map(); // Failures by path, of what asking again would not change

const byId = (id) => document.getElementById(id);

/**
 * Begins to watch.
 *
 * `changed` gets the models whenever there are others; `asked` is called when the server wants a key.
 */
export function watch(changed, asked) {
  [onModels, onKey] = [changed, asked];
  onLanguage(draw);
  document.addEventListener("visibilitychange", () => document.visibilityState === "visible" && look());
  look();
}

/** Looks at once, and then every few seconds. */
export async function look() {
  clearTimeout(timer);
  if (document.visibilityState !== "visible") return;
  await Promise.all([lookAtState(), lookAtTraffic()]);
  draw();
  clearTimeout(timer); // somebody else may have looked meanwhile
  timer = setTimeout(look, EVERY_MS);
}

/** Looks again at everything, since there is another key. */
export async function unlock() {
  refused.clear();
  models = [];
  await look();
}

/** What a path says; one that wants a key, or is not there, is not asked every few seconds. */
async function peek(path) {
  if (refused.has(path)) throw refused.get(path);
  try {
    return await ask(path);
  } catch (failure) {
    if ([401, 403, 404].includes(failure.status) || failure.code === "unknown_key") refused.set(path, failure);
    throw failure;
  }
}

/** Asks for the models anew where an answer came from one that is not known. */
export async function meet(name, version) {
  if (models.some((model) => model.name === name && model.version === version)) return;
  await lookAtModels();
  draw();
}

async function lookAtState() {
  let next = "ready";
  try {
    await peek("readyz");
  } catch (failure) {
    next = FAULTS[failure.code] ?? (failure.status === 503 ? "not_ready" : "unknown");
    if (failure.code === "not_found") next = "answering"; // probes are on another port
  }
  const isNew = next !== state || models.length === 0;
  if (["ready", "answering"].includes(next) && isNew) next = await lookAtModels(next);
  if (next === "key") onKey();
  state = next;
}

async function lookAtModels(otherwise) {
  try {
    models = (await peek("v1/models")).document?.models ?? [];
    onModels(models);
  } catch (failure) {
    if (FAULTS[failure.code] === "key") onKey();
    return FAULTS[failure.code] ?? (failure.status === 503 ? "not_ready" : otherwise);
  }
  return otherwise;
}

async function lookAtTraffic() {
  try {
    const { text } = await peek("metrics");
    looks.push({ at: performance.now(), ...countPredictions(parse(text)) });
    if (looks.length > N_POINTS + 1) looks.shift();
    trouble = null;
  } catch (failure) {
    const causes = { not_found: "elsewhere", missing_key: "key", unknown_key: "key" };
    trouble = causes[failure.code] ?? (failure.status === 404 ? "elsewhere" : "none");
  }
}

function draw() {
  const words = word(`state.${state}`);
  byId("state").dataset.state = state;
  byId("state-words").dataset.word = `state.${state}`;
  if (byId("state-words").textContent !== words) byId("state-words").textContent = words; // said once
  byId("models").replaceChildren(
    ...models.map(({ name, version, precision }) =>
      element("li", { title: precision }, name, " ", element("b", {}, version)),
    ),
  );
  byId("traffic").hidden = trouble !== null || looks.length === 0;
  byId("no-traffic").hidden = trouble === null;
  if (trouble !== null) byId("no-traffic").textContent = word(`traffic.${trouble}`);
  else if (looks.length > 0) drawTraffic();
}

function drawTraffic() {
  const rates = looks.slice(1).map((now, i) => rate(looks[i], now));
  const now = looks.at(-1);
  const last = looks[Math.max(0, looks.length - 1 - WINDOW)];
  const found = quantile(0.95, last, now);
  const digits = { maximumFractionDigits: 1, minimumFractionDigits: 1 };
  byId("rate").textContent = number(rates.at(-1) ?? 0, digits);
  byId("p95").replaceChildren(...p95Words(found));
  byId("spark").setAttribute("aria-label", word("spark", {
    minutes: number((N_POINTS * EVERY_MS) / 60_000),
    now: number(rates.at(-1) ?? 0, digits),
    most: number(Math.max(0, ...rates), digits),
  }));
  drawSpark(rates);
}

function p95Words(found) {
  if (found === null) {
    return [element("span", { "aria-hidden": "true" }, "–"), element("span", { class: "unseen" }, word("p95_none"))];
  }
  const time = milliseconds(found.seconds * 1000);
  return [found.isOver ? word("p95_over", { bound: time }) : time];
}

/** The newest at the right edge; the highest as high as the picture, but a lone request is no mountain. */
function drawSpark(rates) {
  const top = Math.max(1, ...rates);
  const points = rates.map((value, i) => {
    const x = 120 - ((rates.length - 1 - i) * 120) / (N_POINTS - 1);
    return `${x.toFixed(1)} ${(26 - (value / top) * 24).toFixed(1)}`;
  });
  const start = points[0]?.split(" ")[0];
  const line = points.length ? `M${points.join("L")}` : "";
  byId("spark").querySelector(".line").setAttribute("d", line);
  byId("spark").querySelector(".area").setAttribute("d", line && `${line}L120 28L${start} 28Z`);
}

