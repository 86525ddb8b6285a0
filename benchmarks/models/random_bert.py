"""A checkpoint of a token classifier with random weights, with a tokenizer that is trained on real texts."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from tokenizers import BertWordPieceTokenizer

TAGS = ("O", "B-PER", "I-PER", "B-LOC", "I-LOC", "B-ORG", "I-ORG", "B-MISC", "I-MISC")
MINILM: dict[str, int] = {
    "hidden_size": 384,
    "num_hidden_layers": 6,
    "num_attention_heads": 12,
    "intermediate_size": 1536,
}
_SPECIALS = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")
_VOCABULARY = 30522
_OUTSIDE = 1.0
"""Added to the logit of `O`, so that most words are no entity."""


def write_checkpoint(
    directory: Path, texts: Sequence[str], sizes: dict[str, int], seed: int
) -> Path:
    """Save a random BERT with a token head, and a tokenizer that is trained on texts; return the directory.

    Args:
        directory: Where it is saved.
        texts: For the tokenizer.
        sizes: Of the config.
        seed: Of the weights.
    """
    import transformers

    made: Any = transformers  # its types are incomplete
    tokenizer = _word_piece(texts)
    labels = dict(enumerate(TAGS))
    torch.manual_seed(seed)
    config = made.BertConfig(**sizes, vocab_size=tokenizer.get_vocab_size(), id2label=labels)
    model = made.BertForTokenClassification(config)
    with torch.no_grad():
        model.classifier.bias[0] += _OUTSIDE
    model.save_pretrained(directory)
    tokenizer.save(str(directory / "tokenizer.json"))
    (directory / "tokenizer_config.json").write_text(
        json.dumps({"tokenizer_class": "BertTokenizer", "do_lower_case": False})
    )
    readme = "---\nlanguage: en\nlicense: cc0-1.0\n---\n"
    (directory / "README.md").write_text(readme, encoding="utf-8")
    return directory


def _word_piece(texts: Sequence[str]) -> Any:
    """Train a tokenizer of BERT's kind."""
    tokenizer = BertWordPieceTokenizer(lowercase=False)
    tokenizer.train_from_iterator(
        texts, _VOCABULARY, special_tokens=list(_SPECIALS), show_progress=False
    )
    return tokenizer
