from __future__ import annotations

import random

import pytest

from loadtest.config import read_toml
from loadtest.texts import FOLDER, SHARES, Sampler, length_at, samplers

ANY = (1, 2, 3, 4, 5, 6, 7, 8, 9, 10)


@pytest.mark.parametrize("task", ["ner", "sentiment", "translation"])
def test_texts_have_the_lengths_of_the_dev_sets(task: str) -> None:
    wanted = read_toml(FOLDER / "lengths.toml")[task]
    assert wanted == sorted(wanted) and len(wanted) == len(SHARES)
    sampler, chance = samplers()[task], random.Random(1)
    found = sorted(len(sampler.one(chance)) for _ in range(4000))
    for share, n_chars in zip(SHARES, wanted, strict=True):
        if 0 < share < 1:
            measured = found[int(share * len(found))]
            assert measured == pytest.approx(n_chars, rel=0.15, abs=3), (task, share)


def test_texts_differ_and_are_the_same_for_the_same_seed() -> None:
    sampler = samplers()["sentiment"]
    first, again = ([sampler.one(random.Random(3)) for _ in range(2)] for _ in range(2))
    assert first == again
    chance = random.Random(3)
    assert len({sampler.one(chance) for _ in range(500)}) > 400


def test_a_long_text_is_several_sentences() -> None:
    sampler = Sampler(["Short.", "This is longer."], ANY)
    for n_chars in (16, 40, 100, 500):
        text = sampler.of_length(n_chars, random.Random(n_chars))
        assert n_chars - 16 <= len(text) <= n_chars + 8
        assert text.replace("This is longer.", "").replace("Short.", "").strip() == ""
    assert sampler.of_length(1, random.Random(0)) == "Short."


def test_what_is_shipped_is_small_and_named() -> None:
    files = sorted(FOLDER.glob("*.txt"))
    assert sum(file.stat().st_size for file in files) < 200_000
    readme = (FOLDER / "README.md").read_text(encoding="utf-8")
    for file in files:
        lines = file.read_text(encoding="utf-8").splitlines()
        assert f"| `{file.name}` | {len(lines)} |" in readme
        assert all(line.strip() == line and line for line in lines)


def test_between_two_known_lengths_it_grows_by_factors() -> None:
    lengths = (10, 20, 30, 50, 100, 200, 400, 500, 800, 1000)
    assert [length_at(lengths, share) for share in (0.0, 0.5, 1.0)] == [10, 100, 1000]
    assert length_at(lengths, 0.625) == pytest.approx((100 * 200) ** 0.5)
