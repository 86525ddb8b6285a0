"""`seqserve vectors`, from text files to answers."""

from __future__ import annotations

import json
import lzma
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result
from typer.testing import CliRunner

from seqserve.cli.main import app
from seqserve.embeddings.storage import load_vectors
from tests.embeddings.topics import share_of_own_topic, topic_texts

TEXTS, TOPIC_OF = topic_texts(1)
WORDS = sorted(TOPIC_OF, key=lambda word: TOPIC_OF[word])
SHORT = ["--dimensions", "12", "--epochs", "20", "--min-count", "2", "--subsampling", "0"]


def run(*words: object) -> Result:
    return CliRunner().invoke(app, ["vectors", *map(str, words)])


def answer(*words: object) -> Any:
    done = run(*words, "--json")
    assert done.exit_code == 0, done.output
    return json.loads(done.stdout)


def write_texts(folder: Path) -> list[Path]:
    """Write the texts in each format that is read."""
    lines = [" ".join(text) for text in TEXTS]
    (folder / "set").mkdir()
    plain, objects = folder / "set" / "lines.txt.xz", folder / "set" / "train.jsonl"
    tagged = folder / "set" / "dev.conll"
    plain.write_bytes(lzma.compress("\n".join(["", "...", *lines[:300]]).encode()))
    rows = (json.dumps({"text": f"{line.upper()}<br />", "label": 1}) for line in lines[300:500])
    objects.write_text("\n".join(rows))
    tagged.write_text(
        "\n\n".join("\n".join(f"{w}\tO" for w in line.split()) for line in lines[500:])
    )
    (folder / "set" / "META.json").write_text('{"licence": "CC0"}')
    return [plain, objects, tagged]


@pytest.fixture(scope="module")
def learnt(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("vectors")
    done = run("train", *write_texts(folder), folder / "v", *SHORT)
    assert done.exit_code == 0, done.output
    assert done.stdout.startswith(f"{folder / 'v'}: 40 words, 12 dimensions, ")
    return folder / "v"


def test_all_formats_are_read_and_stated(learnt: Path) -> None:
    vectors, meta = load_vectors(learnt)
    assert set(vectors.words) == set(WORDS) and share_of_own_topic(vectors, TOPIC_OF) > 0.9
    assert [(file.name, file.texts) for file in meta.data] == [
        ("set/lines.txt.xz", 302),
        ("set/train.jsonl", 200),
        ("set/dev.conll", 100),
    ]
    assert meta.licence == "CC0" and meta.settings["subsampling"] == 0


@pytest.mark.parametrize("method", ["cbow", "fasttext", "glove"])
def test_methods_and_precisions(method: str, learnt: Path, tmp_path: Path) -> None:
    options = [*SHORT[:-2], "--method", method, "--precision", "int8", "--licence", "mine"]
    softmax = [] if method == "glove" else ["--softmax", "hierarchical"]
    texts = learnt.parent / "set" / "lines.txt.xz"
    assert run("train", texts, tmp_path / "v", *options, *softmax).exit_code == 0
    meta = load_vectors(tmp_path / "v")[1]
    assert (meta.method, meta.precision, meta.licence) == (method, "int8", "mine")
    assert meta.settings.get("softmax") == (softmax or [None])[-1]
    assert (run("neighbours", tmp_path / "v", "unseen").exit_code == 0) == (method == "fasttext")


def test_queries(learnt: Path, tmp_path: Path) -> None:
    near = answer("neighbours", learnt, WORDS[0], WORDS[-1].upper(), "-n", 5)
    assert set(near) == {WORDS[0], WORDS[-1].upper()}
    assert all(TOPIC_OF[one["word"]] == 0 for one in near[WORDS[0]])
    first = near[WORDS[0]][0]
    cosine = answer("similarity", learnt, WORDS[0], first["word"])["cosine"]
    assert cosine == pytest.approx(first["cosine"], abs=1e-6)
    line = run("neighbours", learnt, WORDS[0], "-n", 1).stdout
    assert line == f"{WORDS[0]}: {first['word']} {cosine:.3f}\n"
    assert run("similarity", learnt, WORDS[0], first["word"]).stdout == f"{cosine:.3f}\n"
    three = WORDS[:3]
    (best,) = answer("analogy", learnt, *three, "-n", 1)
    questions = tmp_path / "questions.txt"
    questions.write_text(f": one\n{' '.join(three)} {best['word']}\n{' '.join(three)} unseen\n")
    counts = {"right": 1, "asked": 1, "unknown": 1}
    asked = answer("analogy", learnt, "--questions", questions)
    assert asked == [{"section": name, **counts} for name in ("one", "total")]
    shown = run("analogy", learnt, "--questions", questions).stdout.splitlines()
    assert shown[0] == "one: 1 of 1, accuracy 1.000; 1 with an unknown word" and len(shown) == 2


def test_clusters_and_map(learnt: Path, tmp_path: Path) -> None:
    found = answer("clusters", learnt, "-k", 4)
    assert sorted([*{TOPIC_OF[word] for word in words}] for words in found) == [[0], [1], [2], [3]]
    lines = run("clusters", learnt, "-k", 4, "-n", 2).stdout.splitlines()
    assert lines[0] == f"    10 words: {', '.join(found[0][:2])}"
    for words, n in ((["--words", ",".join(WORDS[:5])], 5), ([], 40)):
        done = run("map", learnt, "--out", tmp_path / "m.svg", "--projection", "t-sne", *words)
        assert done.exit_code == 0 and done.stdout == f"{tmp_path / 'm.svg'}: {n} words\n"
        svg = (tmp_path / "m.svg").read_text()
        assert sum(f">{word}</text>" in svg for word in WORDS) == n


def test_bias(learnt: Path, tmp_path: Path) -> None:
    pairs = tmp_path / "pairs.txt"
    topics = [WORDS[i : i + 10] for i in range(0, 20, 10)]
    pairs.write_text(
        "".join(f"{a} {b}\n" for a, b in zip(*topics, strict=True) if a != topics[0][0])
    )
    found = answer("bias", learnt, tmp_path / "all", "--pairs", pairs, "-n", 3)
    direct = found["direct_bias"]
    assert direct["before"] > 0.03 and direct["after"] < 0.001
    assert len(found["words"]) == 3 and found["words"][0]["word"] in {topics[0][0], topics[1][0]}
    neutral = tmp_path / "neutral.txt"
    neutral.write_text(f"{topics[0][0]}\n")
    done = run("bias", learnt, tmp_path / "one", "--pairs", pairs, "--neutral", neutral)
    assert done.exit_code == 0 and "mean association of 1 words" in done.stdout
    change = load_vectors(tmp_path / "one")[1].changes
    assert change == ("debiased with 9 pairs, 1 words neutralised",)
    a, b, c = topics[0][1], topics[1][1], topics[0][0]
    sides = [answer("similarity", tmp_path / "one", c, word)["cosine"] for word in (a, b)]
    assert sides[0] == pytest.approx(sides[1], abs=2e-3)  # fp16
    assert answer("similarity", learnt, c, a)["cosine"] > 0.5 + sides[0] - sides[1]


WRONG: dict[str, tuple[list[str], int, str]] = {
    "exists": (["train", "{set}/lines.txt.xz", "{v}"], 1, "exists already"),
    "no file": (["train", "{set}/no.txt", "{new}"], 1, "neither"),
    "empty": (["train", "{empty}", "{new}"], 1, "the texts hold no words"),
    "too rare": (["train", "{set}/dev.conll", "{new}", "--min-count", "9999"], 1, "rarer words"),
    "no effect": (
        ["train", "{set}/dev.conll", "{new}", "--method", "glove", "--subsampling", "0"],
        2,
        "glove has no --subsampling",
    ),
    "unknown word": (["neighbours", "{v}", "xxxxx"], 1, "none of the 40 words"),
    "no vectors": (["similarity", "{set}", "a", "b"], 1, "holds no word vectors"),
    "two words": (["analogy", "{v}", "a", "b"], 2, "give three words"),
    "nothing": (["analogy", "{v}"], 2, "give three words"),
    "both": (["analogy", "{v}", "a", "b", "c", "--questions", "{empty}"], 2, "give three words"),
    "no questions": (
        ["analogy", "{v}", "--questions", "{empty}"],
        1,
        "line 2: 1 words; expected 4",
    ),
    "no pairs": (["bias", "{v}", "{new}", "--pairs", "{set}/no.txt"], 1, "neither"),
    "clusters": (["clusters", "{v}", "-k", "41"], 1, "there are only 40 words"),
    "small map": (["map", "{v}", "--words", "", "--out", "{new}"], 1, "a map needs at least 3"),
}


@pytest.mark.parametrize(("words", "code", "message"), WRONG.values(), ids=WRONG)
def test_mistakes_are_named(
    learnt: Path, tmp_path: Path, words: list[str], code: int, message: str
) -> None:
    (tmp_path / "empty.txt").write_text("\n...\n")
    places = {"set": learnt.parent / "set", "v": learnt, "new": tmp_path / "new"}
    done = run(*(word.format(**places, empty=tmp_path / "empty.txt") for word in words))
    assert done.exit_code == code
    assert message in " ".join(done.stderr.replace("│", " ").split())
    assert not (tmp_path / "new").exists()
