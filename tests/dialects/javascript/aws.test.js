// @aws-sdk/client-comprehend and @aws-sdk/client-translate on /aws.

import assert from "node:assert/strict";
import {test} from "node:test";
import * as comprehend from "@aws-sdk/client-comprehend";
import * as translate from "@aws-sdk/client-translate";
import {codePoints, key, LONG, manyAtOnce, of, SOURCE, TEXT, url} from "./server.js";

const settings = (accessKeyId, maxAttempts) => ({
  endpoint: `${url}/aws`,
  region: "us-east-1",
  credentials: {accessKeyId, secretAccessKey: "any"},
  maxAttempts,
});
const analyst = new comprehend.ComprehendClient(settings(key, 1));
const translator = new translate.TranslateClient(settings(key, 1));
const PAIR = {SourceLanguageCode: "en", TargetLanguageCode: "zh"};

test("entities, with offsets in code points", of("aws"), async () => {
  const answer = await analyst.send(new comprehend.DetectEntitiesCommand({Text: TEXT, LanguageCode: "en"}));
  const found = answer.Entities.map((one) => [one.Type, one.Text]);
  assert.deepEqual(found, [["PERSON", "Angela Merkel"], ["LOCATION", "Paris"]]);
  for (const one of answer.Entities) assert.equal(codePoints(TEXT, one.BeginOffset, one.EndOffset), one.Text);
});

test("a batch of sentiments, with a text that fails", of("aws"), async () => {
  const TextList = ["I love it.", " ", "A terrible, boring film."];
  const answer = await analyst.send(new comprehend.BatchDetectSentimentCommand({TextList, LanguageCode: "en"}));
  const found = answer.ResultList.map((one) => [one.Index, one.Sentiment]);
  assert.deepEqual(found, [[0, "POSITIVE"], [2, "NEGATIVE"]]);
  assert.deepEqual(answer.ErrorList.map((one) => one.Index), [1]);
});

test("translations", of("aws"), async () => {
  for (const SourceLanguageCode of ["en", "auto"]) {
    const command = new translate.TranslateTextCommand({...PAIR, SourceLanguageCode, Text: SOURCE});
    const answer = await translator.send(command);
    assert.match(answer.TranslatedText, /🇫🇷.*天/u);
    assert.equal(answer.SourceLanguageCode, "en");
  }
});

test("errors", of("aws"), async () => {
  const french = new comprehend.DetectSentimentCommand({Text: "a", LanguageCode: "fr"});
  await assert.rejects(analyst.send(french), comprehend.UnsupportedLanguageException);
  const german = new translate.TranslateTextCommand({...PAIR, TargetLanguageCode: "de", Text: "a"});
  await assert.rejects(translator.send(german), translate.UnsupportedLanguagePairException);
});

test("a wrong key", of("aws"), async () => {
  const stranger = new comprehend.ComprehendClient(settings("wrong", 1));
  const command = new comprehend.DetectSentimentCommand({Text: "a", LanguageCode: "en"});
  await assert.rejects(stranger.send(command), {name: "UnrecognizedClientException"});
});

test("overload, which is retried", of("aws"), async () => {
  const command = new translate.TranslateTextCommand({...PAIR, Text: LONG});
  const refused = (await manyAtOnce(() => translator.send(command))).filter((one) => one instanceof Error);
  assert.ok(refused.length > 0);
  for (const one of refused) assert.ok(one instanceof translate.TooManyRequestsException, one);
  const patient = new translate.TranslateClient(settings(key, 12));
  const short = new translate.TranslateTextCommand({...PAIR, Text: "A day."});
  const outcomes = await manyAtOnce(() => patient.send(short));
  for (const one of outcomes) assert.ok(one.TranslatedText, one);
});
