/** The command line that asks the same, for any POSIX shell. */

const MAX_ARGUMENT_BYTES = 100_000; // Linux takes 128 KiB in one argument

/** A string as one word of a shell. */
export function shellQuote(text) {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}

/**
 * The command. A key is never in it, only the variable that should hold one.
 *
 * `url` is whole, `body` the JSON as it was sent.
 */
export function curlLine(url, body, needsKey) {
  const start = ["curl -s", shellQuote(url), "-H 'Content-Type: application/json'"];
  if (needsKey) start.push('-H "Authorization: Bearer $SEQSERVE_KEY"');
  if (new TextEncoder().encode(body).length <= MAX_ARGUMENT_BYTES) {
    return `${start.join(" ")} \\\n  -d ${shellQuote(body)}`;
  }
  // JSON has no line break outside of its white space, and we write none: the end cannot stand in it.
  return `${start.join(" ")} --data-binary @- <<'SEQSERVE'\n${body}\nSEQSERVE`;
}
