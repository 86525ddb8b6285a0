/** Example texts. Each is shown only for models that it suits. */

const EXAMPLES = {
  ner: [
    {
      name: "example.news",
      language: "en",
      labels: ["PER", "LOC", "ORG"],
      text: "German Chancellor Angela Merkel met Barack Obama in Berlin before the United Nations summit "
        + "in New York. A week later the World Bank opened an office in Nairobi.",
    },
    {
      name: "example.emoji",
      language: "en",
      labels: ["PER", "LOC", "ORG"],
      text: "🎉 Ann Smith moved from 🇫🇷 Paris to 🗽 New York 👩‍🔬 and works for the World Bank now 👍🏽.",
    },
    {
      name: "example.none",
      language: "en",
      labels: ["PER", "LOC", "ORG"],
      text: "it rained all night and the road was closed.",
    },
  ],
  sentiment: [
    {
      name: "example.mixed",
      language: "en",
      labels: ["positive", "negative"],
      text: "The first hour is slow and the jokes fall flat. Then the two sisters meet, and it becomes one "
        + "of the warmest films of the year.",
    },
    {
      name: "example.praise",
      language: "en",
      labels: ["positive", "negative"],
      text: "A quiet, funny and deeply moving film.",
    },
    {
      name: "example.complaint",
      language: "en",
      labels: ["positive", "negative"],
      text: "The battery died after a week 😡. Nobody answered my emails. I want my money back.",
    },
    {
      name: "example.statement",
      language: "en",
      labels: ["neutral"],
      text: "Open the settings menu and choose a language. Paris is the capital of France.",
    },
  ],
  translation: [
    {
      name: "example.manual",
      language: "en",
      labels: [],
      text: "Return the number of days, as an integer. The function raises an exception if the file does not exist.",
    },
    {
      name: "example.everyday",
      language: "en",
      labels: [],
      text: "I have two brothers. They live in a small town near the sea.",
    },
    {
      name: "example.paragraphs",
      language: "en",
      labels: [],
      text: "Open the file first.\n\nIf an error occurs, close all connections and try again.",
    },
  ],
};

/** The examples `{name, text}` in the language of a model, about labels that it has. */
export function examplesFor({ task, languages, labels }) {
  return (EXAMPLES[task] ?? []).filter((example) =>
    example.language === languages[0]
    && (example.labels.length === 0 || example.labels.some((label) => labels.includes(label))));
}
