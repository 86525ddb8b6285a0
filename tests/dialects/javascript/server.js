// The server that .ci/dialects starts, with room for one text in its queues.

export const url = process.env.DIALECTS_URL;
export const key = process.env.DIALECTS_KEY;

const served = process.env.DIALECTS.split(",");

// Options of a test of a dialect: it is skipped where the server does not have the dialect.
export const of = (dialect) => ({skip: !served.includes(dialect) && `no dialect ${dialect}`});

// The flag takes two code points and four UTF-16 code units.
export const TEXT = "🇫🇷 Angela Merkel visited Paris in May.";
export const SOURCE = "🇫🇷 Return the number of days.";
export const LONG = "Return the number of days. ".repeat(20);

// Return what code points of a text are, as Python counts them.
export const codePoints = (text, start, end) => [...text].slice(start, end).join("");

// Make a call many times at once; return the answers and the errors.
export async function manyAtOnce(call) {
  const outcomes = await Promise.allSettled(Array.from({length: 24}, call));
  return outcomes.map((one) => one.value ?? one.reason);
}
