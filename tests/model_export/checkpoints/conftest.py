from __future__ import annotations

import sys
from types import SimpleNamespace

import pytest


@pytest.fixture(autouse=True)
def text(monkeypatch: pytest.MonkeyPatch) -> None:
    found = SimpleNamespace(
        config={"kind": "fake"},
        files={"tokenizer.json": b"{}"},
        max_tokens=318,
        warnings=("Text.",),
    )
    monkeypatch.setitem(
        sys.modules,
        "model_export.checkpoints.tokenizer",
        SimpleNamespace(encoder_text=lambda checkpoint, language: found),
    )

    def labels(tags: tuple[str, ...]) -> list[str]:
        return list(dict.fromkeys(tag[2:] for tag in tags if tag != "O"))

    monkeypatch.setitem(
        sys.modules,
        "seqserve.text.tag_schemes",
        SimpleNamespace(read_tags=lambda tags: SimpleNamespace(labels=labels(tags))),
    )
