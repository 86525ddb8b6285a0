/** What Prometheus text says about traffic: rates and quantiles from two looks. Knows no page and no server. */

const SAMPLE = /^([a-zA-Z_:][\w:]*)(?:\{(.*)\})? (\S+)$/;
const LABEL = /(\w+)="((?:[^"\\]|\\.)*)"/g;
const REQUESTS = "seqserve_requests_total";
const BUCKETS = "seqserve_request_duration_seconds_bucket";

/** The samples of a page as `{name, labels, value}`. */
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
 * What there was of predictions up to now: `{count, buckets}`, with buckets as cumulative counts by
 * upper bound in seconds. Pages, probes and metrics themselves are left out.
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

/** Events a second between two looks, `{count, at}` with milliseconds; from 0 again after a restart. */
export function rate(before, now) {
  const seconds = (now.at - before.at) / 1000;
  if (seconds <= 0) return 0;
  return (now.count >= before.count ? now.count - before.count : now.count) / seconds;
}

/**
 * The quantile of what happened between two looks, as Prometheus' histogram_quantile gives it: linear
 * within a bucket. `{seconds, isOver}`, where isOver says that it is beyond the last bound; null where
 * nothing happened.
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
