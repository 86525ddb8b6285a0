// deepl-node on /deepl.

import assert from "node:assert/strict";
import {test} from "node:test";
import * as deepl from "deepl-node";
import {key, LONG, manyAtOnce, of, SOURCE, url} from "./server.js";

const clientOf = (authKey) => new deepl.DeepLClient(authKey, {serverUrl: `${url}/deepl`});
const client = clientOf(key);

test("translations", of("deepl"), async () => {
  const one = await client.translateText(SOURCE, "en", "zh");
  assert.match(one.text, /🇫🇷.*天/u);
  const several = await client.translateText(["What a nice day it is today.", "It rains all day."], null, "zh");
  assert.deepEqual(several.map((answer) => answer.detectedSourceLang), ["en", "en"]);
});

test("markup", of("deepl"), async () => {
  const text = "<p>Hello world, a <b>nice</b> day.</p>";
  const answer = await client.translateText(text, "en", "zh", {tagHandling: "html"});
  assert.match(answer.text, /^<p>.*<b>.*<\/b>.*<\/p>$/);
});

test("languages and usage", of("deepl"), async () => {
  assert.deepEqual((await client.getSourceLanguages()).map((one) => one.code), ["en"]);
  assert.deepEqual((await client.getTargetLanguages()).map((one) => [one.code, one.name]), [["zh", "Chinese"]]);
  assert.ok((await client.getUsage()).character.count > 0);
});

test("errors", of("deepl"), async () => {
  await assert.rejects(client.translateText("a", "en", "de"), /Available pairs/);
  await assert.rejects(client.translateText("a", "en", "zh", {formality: "more"}), /formality/);
  await assert.rejects(clientOf("wrong").getUsage(), deepl.AuthorizationError);
});

test("overload is retried", of("deepl"), async () => {
  const outcomes = await manyAtOnce(() => client.translateText(LONG, "en", "zh"));
  for (const one of outcomes) assert.match(one.text ?? String(one), /天/);
});
