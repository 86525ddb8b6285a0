// @google-cloud/translate on /google: `apiEndpoint` is always reached over https, the environment variable as it says.

import assert from "node:assert/strict";
import {test} from "node:test";
import {key, LONG, manyAtOnce, of, SOURCE, url} from "./server.js";

process.env.GOOGLE_CLOUD_TRANSLATE_ENDPOINT = `${url}/google/language/translate/v2`;
const {v2} = (await import("@google-cloud/translate")).default;

const clientOf = (apiKey) => new v2.Translate({key: apiKey, projectId: "any"});
const client = clientOf(key);

test("translations", of("google"), async () => {
  const [one] = await client.translate(SOURCE, {from: "en", to: "zh"});
  assert.match(one, /🇫🇷.*天/u);
  const [several, answer] = await client.translate(["What a nice day it is today.", ""], "zh");
  assert.deepEqual([several.length, several[1]], [2, ""]);
  assert.equal(answer.data.translations[0].detectedSourceLanguage, "en");
});

test("markup", of("google"), async () => {
  const [text] = await client.translate("<p>Restart the <b>server</b>.</p>", {from: "en", to: "zh"});
  assert.match(text, /^<p>.*<b>.*<\/b>.*<\/p>$/);
});

test("detection and languages", of("google"), async () => {
  const [detected] = await client.detect(["Guten Morgen, mein Freund.", "Bonjour tout le monde."]);
  assert.deepEqual(detected.map((one) => one.language), ["de", "fr"]);
  const [languages] = await client.getLanguages();
  assert.deepEqual(languages, [{code: "en", name: "English"}, {code: "zh", name: "Chinese"}]);
});

test("errors", of("google"), async () => {
  const french = client.translate("a", {from: "fr", to: "zh"});
  await assert.rejects(french, (error) => error.code === 400 && /Available pairs/.test(error.message));
  const stranger = clientOf("wrong").translate("a", {from: "en", to: "zh"});
  await assert.rejects(stranger, (error) => error.code === 403);
});

test("overload is retried", of("google"), async () => {
  const outcomes = await manyAtOnce(() => client.translate(LONG, {from: "en", to: "zh"}));
  const refused = outcomes.filter((one) => one instanceof Error);
  assert.ok(refused.length < outcomes.length);
  for (const one of refused) assert.equal(one.code, 429);
});
