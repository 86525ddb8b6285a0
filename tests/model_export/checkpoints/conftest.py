"""The family of tests/word_checkpoints.py in the table."""

from __future__ import annotations

import pytest

from model_export.checkpoints import table
from tests.word_checkpoints import WORD_FAMILY


@pytest.fixture(autouse=True)
def words_family(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(table, "FAMILIES", {**table.FAMILIES, "words": WORD_FAMILY})
