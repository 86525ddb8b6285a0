/** Asks the API of this origin. Knows paths, the key and what an error looks like; no task, no element. */

const TIMEOUT_MS = 90_000; // later than any deadline of the server's

let key = "";

/** The API, wherever the page lies. */
export function addressOf(path) {
  return new URL(path, document.baseURI).href;
}

/** Keeps a key for the next requests; in memory, here and nowhere else. */
export function useKey(given) {
  key = given;
}

export function hasKey() {
  return key !== "";
}

/** Why there is no answer: the server's problem, or that there was no server. */
export class Failure extends Error {
  constructor(code, { status = 0, detail = "", requestId = "", retryAfter = null } = {}) {
    super(code);
    Object.assign(this, { code, status, detail, requestId, retryAfter });
  }
}

/**
 * An answer: `{document, text, stages, requestId}`, where stages are milliseconds by name.
 * Throws a Failure, or the AbortError of `signal`.
 */
export async function ask(path, { body, signal } = {}) {
  const response = await send(path, body, signal);
  const text = await read(response, signal);
  const document = parse(text);
  const requestId = response.headers.get("X-Request-ID") ?? "";
  if (!response.ok) throw failureOf(response, document, requestId);
  const stages = parseTiming(response.headers.get("Server-Timing") ?? "");
  return { document, text, stages, requestId };
}

async function send(path, body, signal) {
  const headers = {};
  if (body !== undefined) headers["Content-Type"] = "application/json";
  if (key !== "") {
    if (!/^[\x21-\x7e]+$/.test(key)) throw new Failure("unknown_key"); // no header can carry it
    headers.Authorization = `Bearer ${key}`;
  }
  const limit = AbortSignal.timeout(TIMEOUT_MS);
  const options = {
    method: body === undefined ? "GET" : "POST",
    body,
    headers,
    cache: "no-store",
    credentials: "omit",
    signal: signal ? AbortSignal.any([signal, limit]) : limit,
  };
  try {
    return await fetch(addressOf(path), options);
  } catch (error) {
    throw asFailure(error, signal);
  }
}

async function read(response, signal) {
  try {
    return await response.text();
  } catch (error) {
    throw asFailure(error, signal);
  }
}

function asFailure(error, signal) {
  return signal?.aborted ? error : new Failure("network");
}

function parse(text) {
  try {
    return JSON.parse(text);
  } catch {
    return null; // metrics, or the page of a proxy
  }
}

function failureOf(response, problem, requestId) {
  return new Failure(problem?.code ?? "unknown", {
    status: response.status,
    detail: problem?.detail ?? "",
    requestId: problem?.request_id ?? requestId,
    retryAfter: response.headers.get("Retry-After"),
  });
}

/** `queue;dur=0.21, total;dur=9.5` as `{queue: 0.21, total: 9.5}`. */
export function parseTiming(header) {
  const stages = {};
  for (const [, name, ms] of header.matchAll(/([\w-]+);dur=([\d.]+)/g)) stages[name] = Number(ms);
  return stages;
}
