/** The status strip: server state, served models, traffic. Polls only while the page is visible. */

import { request } from "./api.js";
import { element } from "./dom.js";
import { memoryOf } from "./models.js";
import { countPredictions, parse, quantile, rate } from "./prometheus.js";
import { milliseconds, number, onLanguage, word } from "./words.js";

const POLL_MS = 5000;
const N_POINTS = 60; // of the sparkline: five minutes
const P95_WINDOW = 12; // snapshots: one minute
const STATES = { draining: "draining", network: "network", missing_key: "key", unknown_key: "key" }; // by error code

const snapshots = []; // {at, count, buckets}, the newest last
let state = "connecting";
let noTraffic = null; // why there are no metrics, or null
let models = [];
let onModels = () => {};
let onKeyNeeded = () => {};
let timer = 0;
const refused = new Map(); // Failures by path: paths that are not requested again

const byId = (id) => document.getElementById(id);

/**
 * Starts polling.
 *
 * `modelsChanged` is called with the models when they change; `keyNeeded` when the server requires a key.
 */
export function watch(modelsChanged, keyNeeded) {
  [onModels, onKeyNeeded] = [modelsChanged, keyNeeded];
  onLanguage(draw);
  document.addEventListener("visibilitychange", () => document.visibilityState === "visible" && refresh());
  refresh();
}

/** Refreshes the strip now, and then periodically. */
export async function refresh() {
  clearTimeout(timer);
  if (document.visibilityState !== "visible") return;
  await Promise.all([refreshState(), refreshTraffic()]);
  draw();
  clearTimeout(timer); // of a refresh that ran at the same time
  timer = setTimeout(refresh, POLL_MS);
}

/** Requests everything again, after the key has changed. */
export async function refreshWithNewKey() {
  refused.clear();
  models = [];
  await refresh();
}

/** Requests a path, unless it is missing or needs a key that the page does not have. */
async function poll(path) {
  if (refused.has(path)) throw refused.get(path);
  try {
    return await request(path);
  } catch (failure) {
    if ([401, 403, 404].includes(failure.status) || failure.code === "unknown_key") refused.set(path, failure);
    throw failure;
  }
}

/** Requests the models again if the one that answered is not among them. */
export async function refreshModelsFor(name, version) {
  if (models.some((model) => model.name === name && model.version === version)) return;
  await refreshModels();
  draw();
}

async function refreshState() {
  let next = "ready";
  try {
    await poll("readyz");
  } catch (failure) {
    next = STATES[failure.code] ?? (failure.status === 503 ? "not_ready" : "unknown");
    if (failure.code === "not_found") next = "online"; // the probes are on another port
  }
  const isNew = next !== state || models.length === 0;
  if (["ready", "online"].includes(next) && isNew) next = await refreshModels(next);
  if (next === "key") onKeyNeeded();
  state = next;
}

/** Returns the state that follows from the answer, `otherwise` if it is inconclusive. */
async function refreshModels(otherwise) {
  try {
    models = (await poll("v1/models")).document?.models ?? [];
    onModels(models);
  } catch (failure) {
    if (STATES[failure.code] === "key") onKeyNeeded();
    return STATES[failure.code] ?? (failure.status === 503 ? "not_ready" : otherwise);
  }
  return otherwise;
}

async function refreshTraffic() {
  try {
    const { text } = await poll("metrics");
    snapshots.push({ at: performance.now(), ...countPredictions(parse(text)) });
    if (snapshots.length > N_POINTS + 1) snapshots.shift();
    noTraffic = null;
  } catch (failure) {
    const reasons = { not_found: "elsewhere", missing_key: "key", unknown_key: "key" };
    noTraffic = reasons[failure.code] ?? (failure.status === 404 ? "elsewhere" : "none");
  }
}

function draw() {
  const words = word(`state.${state}`);
  byId("state").dataset.state = state;
  byId("state-words").dataset.word = `state.${state}`;
  if (byId("state-words").textContent !== words) byId("state-words").textContent = words; // announced once
  byId("models").replaceChildren(
    ...models.filter(({ state = "ready" }) => state === "ready").map((model) =>
      element("li", { title: [model.precision, memoryOf(model)].filter(Boolean).join(", ") },
        model.name, " ", element("b", {}, model.version)),
    ),
  );
  byId("traffic").hidden = noTraffic !== null || snapshots.length === 0;
  byId("no-traffic").hidden = noTraffic === null;
  if (noTraffic !== null) byId("no-traffic").textContent = word(`traffic.${noTraffic}`);
  else if (snapshots.length > 0) drawTraffic();
}

function drawTraffic() {
  const rates = snapshots.slice(1).map((now, i) => rate(snapshots[i], now));
  const now = snapshots.at(-1);
  const before = snapshots[Math.max(0, snapshots.length - 1 - P95_WINDOW)];
  const digits = { maximumFractionDigits: 1, minimumFractionDigits: 1 };
  byId("rate").textContent = number(rates.at(-1) ?? 0, digits);
  byId("p95").replaceChildren(...p95Words(quantile(0.95, before, now)));
  byId("spark").setAttribute("aria-label", word("spark", {
    minutes: number((N_POINTS * POLL_MS) / 60_000),
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

/** Draws the newest rate at the right edge. The scale ends at the highest rate, but at 1/s at least. */
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
