from __future__ import annotations

import lzma
import random
from pathlib import Path

import pytest

from loadtest.lengths import SHARES, Lengths, main, texts_of
from loadtest.problems import LoadTestError

LENGTHS = Lengths((10, 20, 30, 50, 100, 200, 400, 500, 800, 1000))


def test_lengths_of_texts() -> None:
    found = Lengths.of("x" * n for n in range(1, 101))
    assert found.n_chars == (1, 5, 10, 25, 50, 75, 90, 95, 99, 100)
    assert Lengths.of(["abc", "", "  "]).n_chars == (3,) * len(SHARES)


def test_between_two_known_lengths_it_grows_by_factors() -> None:
    assert [LENGTHS.at(share) for share in (0.0, 0.5, 1.0)] == [10, 100, 1000]
    assert LENGTHS.at(0.625) == pytest.approx((100 * 200) ** 0.5)
    assert [LENGTHS.at(i / 50) for i in range(51)] == sorted(LENGTHS.at(i / 50) for i in range(51))


def test_what_is_drawn_has_these_lengths_again() -> None:
    chance = random.Random(0)
    drawn = sorted(LENGTHS.draw(chance) for _ in range(20_000))
    for share, n_chars in zip(SHARES, LENGTHS.n_chars, strict=True):
        if 0 < share < 1:
            assert drawn[int(share * len(drawn))] == pytest.approx(n_chars, rel=0.05)
    assert drawn[0] >= 10 and drawn[-1] <= 1000


@pytest.mark.parametrize(
    "n_chars",
    [
        pytest.param((1, 2, 3), id="too-few"),
        pytest.param((10, 9, 30, 50, 100, 200, 400, 500, 800, 1000), id="not-ascending"),
        pytest.param((0, 20, 30, 50, 100, 200, 400, 500, 800, 1000), id="empty-texts"),
    ],
)
def test_what_is_no_distribution_is_refused(n_chars: tuple[int, ...]) -> None:
    with pytest.raises(LoadTestError, match="ascending"):
        Lengths(n_chars)


def test_nothing_to_measure() -> None:
    with pytest.raises(LoadTestError, match="no text"):
        Lengths.of(["", " "])


@pytest.mark.parametrize(
    ("name", "content", "texts"),
    [
        pytest.param("a.conll.xz", "Ann\tB-PER\nsings\tO\n\n\nBob\tB-PER\n", ["Ann sings", "Bob"], id="conll"),
        pytest.param("a.jsonl.xz", '{"text": "one"}\n{"text": "two"}\n', ["one", "two"], id="jsonl"),
        pytest.param("dev.en.xz", "one\ntwo\n", ["one", "two"], id="lines"),
    ],
)  # fmt: skip
def test_data_sets_are_read(
    tmp_path: Path, name: str, content: str, texts: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / name
    path.write_bytes(lzma.compress(content.encode()))
    assert list(texts_of(path)) == texts
    main([str(path)])
    assert capsys.readouterr().out == f"{list(Lengths.of(texts).n_chars)}\n"
