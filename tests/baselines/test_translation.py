from __future__ import annotations

from dataclasses import replace
from itertools import product

import pytest

from seqserve.baselines.translation import Copy, DictionaryConfig, WordDictionary, runs_of
from seqserve.training.data import SegmentPair

RUNS = {
    "nothing": ("", 4, []),
    "signs of Chinese": (
        "读取文件",
        3,
        ["读", "取", "文", "件", "读取", "读取文", "取文", "取文件", "文件"],
    ),
    "one at a time": ("读取", 1, ["读", "取"]),
    "no run over a sign": ("文，件", 4, ["文", "，", "件"]),
    "words keep their spaces": ("the file", 2, ["the", "file", "the file"]),
}


@pytest.mark.parametrize(("text", "max_run", "expected"), RUNS.values(), ids=RUNS)
def test_runs(text: str, max_run: int, expected: list[str]) -> None:
    assert runs_of(text, max_run) == expected


VERBS = {"Read": "读取", "Delete": "删除", "Open": "打开"}
NOUNS = {"file": "文件", "text": "文本", "table": "表", "Python": "Python"}
PAIRS = [
    SegmentPair(f"{verb} {noun}.", f"{VERBS[verb]}{NOUNS[noun]}。")
    for verb, noun in product(VERBS, NOUNS)
] * 2
CONFIG = DictionaryConfig()


def learnt(config: DictionaryConfig, pairs: list[SegmentPair] = PAIRS) -> WordDictionary:
    dictionary = WordDictionary(config)
    dictionary.fit(pairs)
    return dictionary


TRANSLATIONS = {
    "a sentence": ("Read file.", "读取文件。"),
    "new in this order": ("Table, read text!", "表,读取文本!"),
    "capitals do not matter": ("READ FILE", "读取文件"),
    "a word that is the same": ("Open python", "打开Python"),
    "an unknown word": ("Open door", "打开door"),
    "unknown words keep their spaces": ("big old file", "big old文件"),
    "and what stands together": ("os_path(x)", "os_path(x)"),
    "numbers": ("Read 10,000 file", "读取10,000文件"),
    "nothing": ("", ""),
}


@pytest.mark.parametrize(("source", "translation"), TRANSLATIONS.values(), ids=TRANSLATIONS)
def test_word_for_word(source: str, translation: str) -> None:
    assert learnt(CONFIG).predict([source]) == [translation]


CONFIGS = {
    "longest of the equally near": ({}, "文件"),
    "short runs only": ({"max_run": 1}, "件"),
    "nothing is near enough": ({"min_dice": 1.2}, "file"),
    "seen too seldom": ({"min_pairs": 7}, "file"),
    "seen just often enough": ({"min_pairs": 6}, "文件"),
}


@pytest.mark.parametrize(("changes", "translation"), CONFIGS.values(), ids=CONFIGS)
def test_settings(changes: dict[str, float], translation: str) -> None:
    # 文 is in 文本 too; 件 is in 文件 only and as near as 文件 is.
    dictionary = learnt(replace(CONFIG, **changes))  # type: ignore[arg-type]
    assert dictionary.predict(["file"]) == [translation]


@pytest.mark.parametrize(("longer", "translation"), [(0.0, "函"), (0.02, "函数")])
def test_a_little_nearer_is_not_enough_for_a_part_of_a_word(
    longer: float, translation: str
) -> None:
    pairs = [SegmentPair("functions", "函数")] * 60 + [SegmentPair("functions", "函")]
    assert learnt(replace(CONFIG, longer=longer), pairs).predict(["functions"]) == [translation]


def test_signs_mean_signs_and_words_mean_words() -> None:
    pairs = [SegmentPair("Stop .", "停。"), SegmentPair("Stop .", "止。")] * 4
    # 。 is nearer to Stop than 停 or 止 is, and stays out of question.
    assert learnt(CONFIG, pairs).predict(["Stop ."]) in (["停。"], ["止。"])


def test_pairs_are_read_evenly_when_there_are_too_many() -> None:
    pairs = [SegmentPair("a", "甲"), SegmentPair("b", "乙")] * 10
    assert learnt(replace(CONFIG, max_pairs=20), pairs).predict(["a b"]) == ["甲乙"]
    assert learnt(replace(CONFIG, max_pairs=10), pairs).predict(["a b"]) == ["甲b"]
    late = [SegmentPair("a", "甲")] * 10 + [SegmentPair("b", "乙")] * 10
    assert learnt(replace(CONFIG, max_pairs=10), late).predict(["a b"]) == ["甲乙"]


def test_many_words_are_looked_for_in_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = learnt(CONFIG).predict([pair.source for pair in PAIRS])
    monkeypatch.setattr("seqserve.baselines.translation._BLOCK", 2)
    assert learnt(CONFIG).predict([pair.source for pair in PAIRS]) == whole
    assert whole == [pair.target for pair in PAIRS]


def test_every_number_is_a_word_of_its_own() -> None:
    verbs = {"Read": "读取", "Open": "打开"}
    pairs = [SegmentPair(f"{v} {n}", f"{verbs[v]} {n}") for v, n in product(verbs, (1, 1, 2))]
    assert learnt(CONFIG, pairs * 3).predict(["Read 2", "Open 7"]) == ["读取2", "打开7"]


def test_copy() -> None:
    assert Copy().predict(["Read file.", ""]) == ["Read file.", ""]
