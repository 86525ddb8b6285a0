"""Fine-tune heads on a BERT encoder, its lower layers frozen: checkpoints to import, in minutes on a CPU."""

from __future__ import annotations

import json
import random
import shutil
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from tokenizers import Encoding, Tokenizer

from seqserve.training.data import LabelledText, TaggedSentence

IGNORED = -100
"""The target of a piece that has no tag of its own."""
_TOKENIZER_FILES = ("tokenizer.json", "tokenizer_config.json", "vocab.txt")


@dataclass(frozen=True)
class FineTuning:
    """How a head is trained.

    Args:
        n_examples: Sentences or texts, drawn without replacement.
        n_epochs: Passes over them.
        n_frozen: Layers from below, and the embeddings, that stay as they are.
        batch: Examples of a step.
        learning_rate: Of AdamW at the beginning; it falls linearly to zero.
        max_pieces: What an example has more of is left out of it.
        seed: Of the sample, its order, the head's first weights and dropout.
    """

    n_examples: int
    n_epochs: int
    n_frozen: int = 3
    batch: int = 16
    learning_rate: float = 2e-4
    max_pieces: int = 96
    seed: int = 1


@dataclass(frozen=True)
class Example:
    """Piece ids (T,), and the class of the text, or that of every piece (T,)."""

    ids: list[int]
    target: int | list[int]


def read_tokenizer(encoder: Path) -> Tokenizer:
    """Return the tokenizer of a checkpoint without truncation and padding."""
    tokenizer = Tokenizer.from_file(str(encoder / "tokenizer.json"))
    tokenizer.no_truncation()
    tokenizer.no_padding()
    return tokenizer


def text_examples(tokenizer: Tokenizer, texts: Sequence[LabelledText]) -> list[Example]:
    """Return texts with their labels."""
    return [Example(tokenizer.encode(text.text).ids, text.label) for text in texts]


def tag_examples(
    tokenizer: Tokenizer, sentences: Sequence[TaggedSentence], tags: Sequence[str]
) -> list[Example]:
    """Return sentences with a tag on the first piece of every word that the tokenizer cuts."""
    return [
        Example(encoding.ids, _targets(encoding, sentence, tags))
        for sentence in sentences
        for encoding in [tokenizer.encode(" ".join(sentence.tokens))]
    ]


def _targets(encoding: Encoding, sentence: TaggedSentence, tags: Sequence[str]) -> list[int]:
    """Return the tag of every piece; words that a token consists of continue its entity."""
    ends = np.cumsum([len(token) + 1 for token in sentence.tokens])
    targets, before = [], None
    for word, (start, end) in zip(encoding.word_ids, encoding.offsets, strict=True):
        if word is None or word == before or end == start:
            targets.append(IGNORED)
            continue
        before = word
        token = int(np.searchsorted(ends, start, side="right"))
        tag = sentence.tags[token]
        begins = start == ends[token] - len(sentence.tokens[token]) - 1
        targets.append(tags.index(tag if begins else tag.replace("B-", "I-")))
    return targets


def fine_tune(
    encoder: Path, out: Path, labels: Sequence[str], examples: Sequence[Example], how: FineTuning
) -> None:
    """Train a head and the upper layers, and save the checkpoint.

    Args:
        encoder: Directory of a BERT encoder with tokenizer.json.
        out: Where the checkpoint goes.
        labels: Of the head.
        examples: What it learns from.
        how: Sizes and rates.
    """
    import torch
    import transformers

    transformers.utils.logging.set_verbosity_error()  # type: ignore[no-untyped-call]
    torch.manual_seed(how.seed)
    torch.set_num_threads(1)
    is_tagger = isinstance(examples[0].target, list)
    head = "BertForTokenClassification" if is_tagger else "BertForSequenceClassification"
    model = getattr(transformers, head).from_pretrained(
        encoder, num_labels=len(labels), id2label=dict(enumerate(labels)), local_files_only=True
    )
    model.config.label2id = {label: i for i, label in enumerate(labels)}
    for part in (model.bert.embeddings, *model.bert.encoder.layer[: how.n_frozen]):
        part.requires_grad_(False)
    model.train()
    trained = [one for one in model.parameters() if one.requires_grad]
    optimizer = torch.optim.AdamW(trained, lr=how.learning_rate)
    batches = list(_batches(examples, how))
    for step, batch in enumerate(batches):
        for group in optimizer.param_groups:
            group["lr"] = how.learning_rate * (1 - step / len(batches))
        loss = model(**_tensors(batch, torch.tensor)).loss
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(trained, 1.0)
        optimizer.step()
        if step % 100 == 0:
            print(f"{out.name}: step {step} of {len(batches)}, loss {loss.item():.3f}", flush=True)
    model.save_pretrained(out)
    for name in _TOKENIZER_FILES:
        if (encoder / name).exists():
            shutil.copy(encoder / name, out / name)
    readme = {"language": "en", "license": "apache-2.0", "base_model": "MiniLM-L6-H384-uncased"}
    lines = [f"{key}: {json.dumps(value)}" for key, value in readme.items()]
    (out / "README.md").write_text("\n".join(["---", *lines, "---", ""]), encoding="utf-8")


def _batches(examples: Sequence[Example], how: FineTuning) -> Iterator[list[Example]]:
    """Yield batches of similar length in random order."""
    rng = random.Random(how.seed)
    sample = rng.sample(list(examples), min(how.n_examples, len(examples)))
    for _ in range(how.n_epochs):
        rng.shuffle(sample)
        ranked = sorted(sample, key=lambda one: len(one.ids) // 8)  # stable, so still random
        batches = [ranked[i : i + how.batch] for i in range(0, len(ranked), how.batch)]
        rng.shuffle(batches)
        for batch in batches:
            yield [
                Example(
                    one.ids[: how.max_pieces],
                    one.target[: how.max_pieces] if isinstance(one.target, list) else one.target,
                )
                for one in batch
            ]


def _tensors(batch: Sequence[Example], tensor: Callable[[Any], Any]) -> dict[str, Any]:
    """Return the arguments of the model: padded ids, mask and labels."""
    n_pieces = max(len(one.ids) for one in batch)

    def padded(rows: Sequence[Sequence[int]], fill: int) -> Any:
        return tensor([[*row, *[fill] * (n_pieces - len(row))] for row in rows])

    targets = [one.target for one in batch]
    return {
        "input_ids": padded([one.ids for one in batch], 0),
        "attention_mask": padded([[1] * len(one.ids) for one in batch], 0),
        "labels": padded([t for t in targets if isinstance(t, list)], IGNORED)
        if isinstance(targets[0], list)
        else tensor(targets),
    }
