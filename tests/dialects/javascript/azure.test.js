// @azure/ai-language-text on /azure.

import assert from "node:assert/strict";
import {test} from "node:test";
import {AzureKeyCredential, TextAnalysisClient} from "@azure/ai-language-text";
import {key, of, TEXT, url} from "./server.js";

const clientOf = (apiKey) =>
  new TextAnalysisClient(`${url}/azure`, new AzureKeyCredential(apiKey), {allowInsecureConnection: true});
const client = clientOf(key);

test("entities, with offsets as JavaScript counts", of("azure"), async () => {
  const [one] = await client.analyze("EntityRecognition", [TEXT]);
  assert.deepEqual(one.entities.map((entity) => entity.text), ["Angela Merkel", "Paris"]);
  for (const {text, offset, length} of one.entities) assert.equal(TEXT.slice(offset, offset + length), text);
});

test("sentiments, with a document that fails", of("azure"), async () => {
  const [good, blank, bad] = await client.analyze("SentimentAnalysis", ["I love it.", "", "It was awful."]);
  assert.deepEqual([good.sentiment, bad.sentiment], ["positive", "negative"]);
  assert.ok(blank.error);
});

test("errors", of("azure"), async () => {
  await assert.rejects(clientOf("wrong").analyze("EntityRecognition", ["a"]), (error) => error.statusCode === 401);
});
