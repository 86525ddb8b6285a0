// @huggingface/inference on /hf.

import assert from "node:assert/strict";
import {test} from "node:test";
import {InferenceClient} from "@huggingface/inference";
import {codePoints, key, LONG, manyAtOnce, of, SOURCE, TEXT, url} from "./server.js";

const client = new InferenceClient(key, {retry_on_error: false});
const endpoint = (name, as = client) => as.endpoint(`${url}/hf/${name}`);

test("entities, with offsets in code points", of("hf"), async () => {
  const parameters = {aggregation_strategy: "simple"};
  const entities = await endpoint("ner").tokenClassification({inputs: TEXT, parameters});
  assert.deepEqual(entities.map((one) => [one.entity_group, one.word]), [["PER", "Angela Merkel"], ["LOC", "Paris"]]);
  for (const one of entities) assert.equal(codePoints(TEXT, one.start, one.end), one.word);
});

test("labels", of("hf"), async () => {
  const labels = await endpoint("sentiment").textClassification({inputs: "I love it."});
  assert.deepEqual(labels.map((one) => one.label), ["positive", "neutral", "negative"]);
});

test("translations", of("hf"), async () => {
  const one = await endpoint("translation").translation({inputs: SOURCE});
  assert.match(one.translation_text, /🇫🇷.*天/u);
  const several = await endpoint("translation").translation({inputs: ["A day.", SOURCE]});
  assert.equal(several.length, 2);
});

test("errors", of("hf"), async () => {
  const parameters = {src_lang: "fr", tgt_lang: "zh"};
  await assert.rejects(endpoint("translation").translation({inputs: "a", parameters}), /Available pairs/);
  await assert.rejects(endpoint("models/nope").translation({inputs: "a"}), (error) => error.httpResponse.status === 404);
});

test("a wrong key", of("hf"), async () => {
  const stranger = endpoint("sentiment", new InferenceClient("wrong"));
  await assert.rejects(stranger.textClassification({inputs: "a"}), (error) => error.httpResponse.status === 403);
});

test("overload", of("hf"), async () => {
  const outcomes = await manyAtOnce(() => endpoint("translation").translation({inputs: LONG}));
  const refused = outcomes.filter((one) => one instanceof Error);
  assert.ok(refused.length > 0 && refused.length < outcomes.length);
  for (const one of refused) assert.equal(one.httpResponse.status, 429);
});
