/** Reads traffic from Prometheus text: rates and quantiles between two snapshots. */

const SAMPLE = /^([a-zA-Z_:][\w:]*)(?:\{(.*)\})? (\S+)$/;
const LABEL = /(\w+)="((?:[^"\\]|\\.)*)"/g;
const REQUESTS = "seqserve_requests_total";
const BUCKETS = "seqserve_request_duration_seconds_bucket";

/** Parses Prometheus text into samples `{name, labels, value}`. */
export function parse(page) {
  const samples = [];
  for (const line of page.split("\n")) {
    const match = SAMPLE.exec(line);
    if (!match) continue;
    const labels = Object.fromEntries([...(match[2] ?? "").matchAll(LABEL)].map(([, name, value]) => [name, value]));
    samples.push({ name: match[1], labels, value: Number(match[3]) });
  }
  return samples;
}

/**
 * Counts the prediction requests so far: `{count, buckets}`, where `buckets` maps upper bounds in
 * seconds to cumulative counts. Requests for pages, probes and metrics are not counted.
 */
export function countPredictions(samples) {
  let count = 0;
  const buckets = new Map();
  for (const { name, labels, value } of samples) {
    const isPrediction = labels.route?.startsWith("/v1/") && labels.route !== "/v1/models";
    if (!isPrediction || !Number.isFinite(value)) continue;
    if (name === REQUESTS) count += value;
    if (name === BUCKETS) {
      const bound = labels.le === "+Inf" ? Infinity : Number(labels.le);
      buckets.set(bound, (buckets.get(bound) ?? 0) + value);
    }
  }
  return { count, buckets };
}

/** Requests per second between two snapshots `{count, at}`; `at` in milliseconds. Handles counter resets. */
export function rate(before, now) {
  const seconds = (now.at - before.at) / 1000;
  if (seconds <= 0) return 0;
  return (now.count >= before.count ? now.count - before.count : now.count) / seconds;
}

/**
 * The quantile between two snapshots, as histogram_quantile of Prometheus computes it: linear within a
 * bucket. Returns `{seconds, isOver}`, where `isOver` means above the last bound; null without requests.
 */
export function quantile(share, before, now) {
  const wasReset = [...now.buckets].some(([bound, count]) => count < (before.buckets.get(bound) ?? 0));
  const grown = [...now.buckets]
    .map(([bound, count]) => [bound, count - (wasReset ? 0 : (before.buckets.get(bound) ?? 0))])
    .sort(([one], [other]) => one - other);
  const total = grown.at(-1)?.[1] ?? 0;
  if (total === 0) return null;
  const rank = share * total;
  let [lower, below] = [0, 0];
  for (const [bound, count] of grown) {
    if (count >= rank) {
      if (bound === Infinity) return { seconds: lower, isOver: true };
      return { seconds: lower + ((bound - lower) * (rank - below)) / (count - below), isOver: false };
    }
    [lower, below] = [bound, count];
  }
  return null;
}
