/** Code that sends the same request: a curl command, Python and JavaScript. */

const MAX_ARGUMENT_BYTES = 100_000; // Linux limits one argument to 128 KiB

/** The languages in which a request is shown, with the function that writes it. */
export const SNIPPETS = { curl: curlSnippet, Python: pythonSnippet, JavaScript: javascriptSnippet };

/** Quotes a string as one word for a POSIX shell. */
export function shellQuote(text) {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}

/**
 * A command for any POSIX shell. It refers to the variable that holds the key, never to the key.
 *
 * `base` ends in a slash, `path` is relative to it, `body` is the JSON as it was sent.
 */
export function curlSnippet({ base, path, body, needsKey }) {
  const start = ["curl -s", shellQuote(base + path), "-H 'Content-Type: application/json'"];
  if (needsKey) start.push('-H "Authorization: Bearer $SEQSERVE_KEY"');
  if (new TextEncoder().encode(body).length <= MAX_ARGUMENT_BYTES) {
    return `${start.join(" ")} \\\n  -d ${shellQuote(body)}`;
  }
  // JSON.stringify writes no line break, so no line of the body can be the end marker.
  return `${start.join(" ")} --data-binary @- <<'SEQSERVE'\n${body}\nSEQSERVE`;
}

/** A program for the Python client of this project; its methods are named as the routes. */
export function pythonSnippet({ base, path, body, needsKey }) {
  const { text, ...options } = JSON.parse(body);
  const values = Object.entries(options).map(([name, value]) => `, ${name}=${pythonLiteral(value)}`);
  const method = path.slice(path.lastIndexOf("/") + 1);
  const address = pythonLiteral(base.replace(/\/$/, ""));
  return [
    ...(needsKey ? ["import os", ""] : []),
    "from seqserve.client import Client",
    "",
    `with Client(${address}${needsKey ? ', api_key=os.environ["SEQSERVE_KEY"]' : ""}) as client:`,
    `    for result in client.${method}(${pythonLiteral(text)}${values.join("")}):`,
    "        print(result)",
  ].join("\n");
}

/** Strings and numbers of JSON are also literals of Python. */
function pythonLiteral(value) {
  if (typeof value === "boolean") return value ? "True" : "False";
  if (Array.isArray(value)) return `[${value.map(pythonLiteral).join(", ")}]`;
  return JSON.stringify(value);
}

/** A module for browsers, Node.js and Deno. A page of another origin needs SEQSERVE_CORS_ORIGINS. */
export function javascriptSnippet({ base, path, body, needsKey }) {
  const key = needsKey ? ', "Authorization": "Bearer YOUR_KEY"' : "";
  return [
    `const response = await fetch(${JSON.stringify(base + path)}, {`,
    '  method: "POST",',
    `  headers: {"Content-Type": "application/json"${key}},`,
    `  body: JSON.stringify(${body}),`,
    "});",
    "console.log(await response.json());",
  ].join("\n");
}
