/** Calls the API of this origin. Handles paths, the API key and errors. */

const TIMEOUT_MS = 90_000; // above every deadline of the server

let apiKey = "";

/** The base URL of the API; ends in a slash. */
export function baseUrl() {
  return new URL("./", document.baseURI).href;
}

/** Sets the key of the following requests. It is kept in memory only. */
export function useKey(key) {
  apiKey = key;
}

/** Whether a key is set. */
export function hasKey() {
  return apiKey !== "";
}

/** A failed request: an error response of the server, or none at all (code `network`). */
export class Failure extends Error {
  constructor(code, { status = 0, detail = "", requestId = "", retryAfter = null } = {}) {
    super(code);
    Object.assign(this, { code, status, detail, requestId, retryAfter });
  }
}

/**
 * Sends a request: GET, or POST if there is a `body`.
 *
 * Returns `{document, text, stages, requestId}`, where `stages` maps names to milliseconds.
 * Throws a Failure, or the AbortError of `signal`.
 */
export async function request(path, { body, signal } = {}) {
  const response = await send(path, body, signal);
  const text = await readText(response, signal);
  const document = parse(text);
  const requestId = response.headers.get("X-Request-ID") ?? "";
  if (!response.ok) throw failureOf(response, document, requestId);
  const stages = parseTiming(response.headers.get("Server-Timing") ?? "");
  return { document, text, stages, requestId };
}

async function send(path, body, signal) {
  const headers = {};
  if (body !== undefined) headers["Content-Type"] = "application/json";
  if (apiKey !== "") {
    if (!/^[\x21-\x7e]+$/.test(apiKey)) throw new Failure("unknown_key"); // not valid in a header
    headers.Authorization = `Bearer ${apiKey}`;
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
    return await fetch(baseUrl() + path, options);
  } catch (error) {
    throw asFailure(error, signal);
  }
}

async function readText(response, signal) {
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
    return null; // Prometheus text, or a page of a proxy
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

/** Parses `queue;dur=0.21, total;dur=9.5` into `{queue: 0.21, total: 9.5}`. */
export function parseTiming(header) {
  const stages = {};
  for (const [, name, ms] of header.matchAll(/([\w-]+);dur=([\d.]+)/g)) stages[name] = Number(ms);
  return stages;
}
