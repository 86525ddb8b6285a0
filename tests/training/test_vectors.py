from __future__ import annotations

import json
import random
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from seqserve.errors import ConfigError, DataError
from seqserve.models.word_embeddings import WordEmbedding
from seqserve.text.vocabulary import Vocabulary
from seqserve.training import ner, sentiment
from seqserve.training.data import TrainingTexts, read_unlabelled
from seqserve.training.vectors import (
    Corpus,
    VectorConfig,
    learn_vectors,
    start_from_vectors,
    vector_file,
)
from tests.tiny import TinyProject

VOCABULARY = Vocabulary(["cat", "dog", "0000"])


def write(path: Path, text: str) -> Path:
    path.write_text(text, encoding="utf-8")
    return path


@pytest.mark.parametrize("header", ["", "4 2\n"], ids=["glove", "word2vec"])
def test_known_words_get_their_vector_the_first_of_doubles(tmp_path: Path, header: str) -> None:
    path = write(tmp_path / "v.txt", header + "Cat 1 2\nfish 3 4\n1984 5 6\ncat 9 9\n")
    embedding = WordEmbedding(len(VOCABULARY), 2)
    before = embedding.weight.clone()
    share = start_from_vectors(embedding, VOCABULARY, path)
    assert embedding.weight[VOCABULARY["cat"]].tolist() == [1, 2]
    assert embedding.weight[VOCABULARY["0000"]].tolist() == [5, 6]
    assert torch.equal(embedding.weight[VOCABULARY["dog"]], before[VOCABULARY["dog"]])
    assert share == pytest.approx(2 / len(VOCABULARY))


MISTAKES = {
    "other width": ("cat 1 2 3\n", "line 1: 3 numbers; word_dim is 2"),
    "no number": ("dog 1 2\ncat 1 x\n", "line 2: could not convert"),
    "no word in common": ("fish 1 2\n", "none of the 5 words"),
}


@pytest.mark.parametrize(("content", "message"), MISTAKES.values(), ids=MISTAKES)
def test_mistakes_are_named(tmp_path: Path, content: str, message: str) -> None:
    path = write(tmp_path / "v.txt", content)
    with pytest.raises(DataError, match=message):
        start_from_vectors(WordEmbedding(len(VOCABULARY), 2), VOCABULARY, path)


def test_learnt_vectors_are_reproducible_and_know_topics(tmp_path: Path) -> None:
    rng = random.Random(0)
    topics = [[f"{topic}{i}" for i in range(40)] for topic in "ab"]
    texts = [rng.choices(topics[i % 2], k=8) for i in range(600)]
    for name in ("one.txt", "two.txt"):
        learn_vectors(texts, 8, 300, tmp_path / name)
    assert (tmp_path / "one.txt").read_bytes() == (tmp_path / "two.txt").read_bytes()
    lines = sorted((tmp_path / "one.txt").read_text().splitlines()[1:])
    vectors = torch.tensor([[float(v) for v in line.split()[1:]] for line in lines])
    cosines = torch.nn.functional.normalize(vectors) @ torch.nn.functional.normalize(vectors).T
    assert cosines[:40, :40].mean() > cosines[:40, 40:].mean() + 0.3


def test_vectors_are_learnt_once_from_all_texts(tmp_path: Path) -> None:
    write(tmp_path / "more.jsonl", "\n".join([json.dumps({"text": "cat dog"})] * 3) + "\n")
    (tmp_path / "lines.txt").write_text("fish\n" * 3)
    config = VectorConfig(learn=True, epochs=1)
    texts = TrainingTexts(["bird bird"] * 3, tmp_path, ["more.jsonl.xz", "lines.txt"])
    path = vector_file(config, tmp_path, tmp_path, Corpus(texts, str.split), 4)
    assert path is not None
    words = {line.split()[0] for line in path.read_text().splitlines()[1:]}
    assert words == {"cat", "dog", "bird", "fish"}
    before = path.read_bytes()
    assert vector_file(config, tmp_path, tmp_path, Corpus(["other"], str.split), 4) == path
    assert path.read_bytes() == before


def test_sentences_of_labelled_files_are_texts(tmp_path: Path) -> None:
    write(tmp_path / "train.conll", "# id = 1\nAnna\tB-PER\nleft\tO\n\nfish\tO\n")
    assert read_unlabelled(tmp_path, "train.conll.xz") == ["Anna left", "fish"]
    (tmp_path / "set").mkdir()
    write(tmp_path / "set" / "dev.conll", "Anna\n")
    with pytest.raises(DataError, match="set dev, line 1"):
        read_unlabelled(tmp_path, "set/dev.conll")


def test_file_or_learning_not_both(tmp_path: Path) -> None:
    corpus = Corpus([], str.split)
    assert vector_file(VectorConfig(), tmp_path, tmp_path, corpus, 4) is None
    given = vector_file(VectorConfig(file="v.txt.xz"), tmp_path, tmp_path, corpus, 4)
    assert given == tmp_path / "v.txt"
    with pytest.raises(ConfigError, match="not both"):
        vector_file(VectorConfig(file="v", learn=True), tmp_path, tmp_path, corpus, 4)


def test_unlabelled_lines_must_hold_a_text(tmp_path: Path) -> None:
    for content in ("{", '{"label": 1}', '{"text": 1}'):
        write(tmp_path / "more.jsonl", content + "\n")
        with pytest.raises(DataError, match=r"more\.jsonl, line 1"):
            list(TrainingTexts([], tmp_path, ["more.jsonl"]))


@pytest.mark.parametrize("task", ["ner", "sentiment"])
def test_recipes_start_from_vectors(tiny: TinyProject, tmp_path: Path, task: str) -> None:
    recipe = tiny.recipes[task]
    vectors = {"learn": True, "epochs": 1}
    recipe = replace(recipe, text={**recipe.text, "vectors": vectors})
    module = {"ner": ner, "sentiment": sentiment}[task]
    made = module.prepare(recipe, tiny.data, tmp_path, torch.device("cpu"))
    first = (tmp_path / "vectors.txt").read_text().splitlines()[1].split()
    values = torch.tensor([float(v) for v in first[1:]])
    distances = (made.model.words.weight - values).abs().amax(1)
    assert distances.min() < 1e-6
