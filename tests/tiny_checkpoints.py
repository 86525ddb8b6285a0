"""Tiny random checkpoints of every family: weights as transformers saves them, and a tokenizer."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path

from tests import marian_checkpoints
from tests.model_export.checkpoints.encoders import SEQUENCE, TOKEN, checkpoint_directory
from tests.tiny_tokenizers import write_checkpoint

README = "---\nlanguage: en\nlicense: apache-2.0\n---\n"
_TOKENIZERS = {
    "bert": "bert",
    "electra": "bert",
    "distilbert": "bert",
    "albert": "albert",
    "roberta": "roberta",
    "xlm-roberta": "xlm-roberta",
    "camembert": "xlm-roberta",
    "deberta-v2": "deberta",
}
"""Family of encoders -> the row of `TOKENIZERS` that its tokenizer is of."""


def _write_encoder(path: Path, family: str, head: str) -> None:
    weights = checkpoint_directory(family, head)
    write_checkpoint(path, _TOKENIZERS[family])
    (path / "config.json").unlink()
    for name in ("config.json", "model.safetensors"):
        shutil.copy(weights / name, path / name)
    (path / "README.md").write_text(README, encoding="utf-8")


def _write_marian(path: Path, family: str, head: str) -> None:
    marian_checkpoints.write_checkpoint(path, n_steps=0)
    readme = f"{README}* source language: eng\n* target language: fra\n"
    (path / "README.md").write_text(readme, encoding="utf-8")


CHECKPOINTS: Mapping[str, Callable[[Path, str, str], None]] = {
    **dict.fromkeys(_TOKENIZERS, _write_encoder),
    "marian": _write_marian,
}
"""Family -> what writes a checkpoint of it: directory, family, head."""


def write_tiny(path: Path, family: str, head: str = TOKEN) -> Path:
    """Write a checkpoint directory and return it."""
    CHECKPOINTS[family](path, family, head)
    return path


def relabel(path: Path, *labels: str, **changes: object) -> None:
    """Change the labels of a checkpoint, and other keys of its config.json."""
    config = json.loads((path / "config.json").read_text())
    config |= {"id2label": dict(enumerate(labels)), "label2id": {}, **changes}
    (path / "config.json").write_text(json.dumps(config))


__all__ = ["CHECKPOINTS", "README", "SEQUENCE", "TOKEN", "relabel", "write_tiny"]
