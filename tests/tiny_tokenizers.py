"""Tokenizers of every kind that encoders have, trained in milliseconds, and checkpoint directories of them."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path
from typing import Any

from tokenizers import Regex, Tokenizer, models, normalizers, pre_tokenizers, processors, trainers

from model_export.checkpoints.base import Checkpoint

CORPUS = [
    *["Anna Lee met Anna Lee in Berlin, Berlin."] * 12,
    "Anna Lee lives in Berlin, near the river Spree.",
    "Don't go to New York (U.S.A.) in 2024; it costs 1,000.50 dollars!",
    "Zoë visited São Paulo, Zürich and Łódź — très naïve.",
    "我们在北京工作。他们去上海。",
    "state-of-the-art models won't read e-mails from anna@example.org",
    "[SEP] and </s> are text: < s > / [ CLS ] s>",
] * 3
BERT = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
ROBERTA = ["<s>", "<pad>", "</s>", "<unk>", "<mask>"]

_SYMBOLS = ["▁Anna", "▁Lee", "▁Berlin", "▁anna", "▁lee", "▁berlin", "在北"]  # besides those learnt


def _word_piece(lowercase: bool = False) -> Tokenizer:
    tokenizer = Tokenizer(models.WordPiece(unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=lowercase)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.train_from_iterator(
        CORPUS, trainers.WordPieceTrainer(vocab_size=220, special_tokens=BERT, show_progress=False)
    )
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]",
        pair="[CLS] $A [SEP] $B:1 [SEP]:1",
        special_tokens=[("[CLS]", 2), ("[SEP]", 3)],
    )
    return tokenizer


def _byte_level() -> Tokenizer:
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    trainer = trainers.BpeTrainer(
        vocab_size=420,
        special_tokens=ROBERTA,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(CORPUS, trainer)
    tokenizer.post_processor = processors.RobertaProcessing(
        ("</s>", 2), ("<s>", 0), add_prefix_space=False
    )
    return tokenizer


def _unigram(normalizer: normalizers.Normalizer, splits_at_spaces: bool) -> Tokenizer:
    tokenizer = Tokenizer(models.Unigram())
    tokenizer.normalizer = normalizer
    metaspace = pre_tokenizers.Metaspace()
    tokenizer.pre_tokenizer = (
        pre_tokenizers.Sequence([pre_tokenizers.WhitespaceSplit(), metaspace])
        if splits_at_spaces
        else metaspace
    )
    trainer = trainers.UnigramTrainer(
        vocab_size=160, special_tokens=ROBERTA, unk_token="<unk>", show_progress=False
    )
    tokenizer.train_from_iterator(CORPUS, trainer)
    trained = json.loads(tokenizer.to_str())["model"]["vocab"]
    vocabulary = {symbol: score for symbol, score in trained} | dict.fromkeys(_SYMBOLS, -1.0)
    tokenizer.model = models.Unigram(list(vocabulary.items()), unk_id=ROBERTA.index("<unk>"))
    tokenizer.post_processor = processors.TemplateProcessing(
        single="<s> $A </s>", special_tokens=[("<s>", 0), ("</s>", 2)]
    )
    return tokenizer


def _without_accents() -> normalizers.Normalizer:
    steps = [normalizers.NFKD(), normalizers.StripAccents(), normalizers.Lowercase()]
    return normalizers.Sequence([normalizers.Replace("''", '"'), *steps])


def _with_single_spaces() -> normalizers.Normalizer:
    spaces = normalizers.Replace(Regex(r"\s{2,}|[\n\r\t]"), " ")
    return normalizers.Sequence([spaces, normalizers.NFC(), normalizers.Strip(left=False)])


TOKENIZERS: Mapping[str, tuple[str, Callable[[], Tokenizer]]] = {
    "bert": ("bert", _word_piece),
    "bert-uncased": ("bert", lambda: _word_piece(lowercase=True)),
    "roberta": ("roberta", _byte_level),
    "xlm-roberta": ("xlm-roberta", lambda: _unigram(normalizers.NFKC(), True)),
    "albert": ("albert", lambda: _unigram(_without_accents(), True)),
    "deberta": ("deberta-v2", lambda: _unigram(_with_single_spaces(), False)),
}
"""Name -> the family, and what makes the tokenizer."""


@cache
def tokenizer_json(name: str) -> str:
    """Return the tokenizer.json of a row of `TOKENIZERS`, with truncation and padding as some have them."""
    tokenizer = TOKENIZERS[name][1]()
    tokenizer.enable_truncation(8)
    tokenizer.enable_padding()
    return str(tokenizer.to_str())


def write_tokenizer(
    folder: Path, name: str, tokenizer_config: Mapping[str, Any] | None = None
) -> None:
    """Write tokenizer.json and tokenizer_config.json, by default one that names the special tokens."""
    family = TOKENIZERS[name][0]
    special = ROBERTA if family != "bert" else [BERT[2], BERT[0], BERT[3], BERT[1], BERT[4]]
    roles = ("cls", "pad", "sep", "unk", "mask")
    options: dict[str, Any] = {
        f"{role}_token": symbol for role, symbol in zip(roles, special, strict=True)
    }
    if family == "bert":
        options["do_lower_case"] = name == "bert-uncased"
    elif (
        family != "roberta"
    ):  # otherwise transformers takes the normalizer of the family's original checkpoint
        options["tokenizer_class"] = "PreTrainedTokenizerFast"
    (folder / "tokenizer.json").write_text(tokenizer_json(name), encoding="utf-8")
    given = options if tokenizer_config is None else tokenizer_config
    (folder / "tokenizer_config.json").write_text(json.dumps(dict(given)))


def write_checkpoint(
    folder: Path, name: str, tokenizer_config: Mapping[str, Any] | None = None, **config: Any
) -> Checkpoint:
    """Write what a checkpoint says of its text, with a tokenizer of `TOKENIZERS`."""
    family = TOKENIZERS[name][0]
    settings = {"model_type": family, "vocab_size": 500, "max_position_embeddings": 64, **config}
    settings.setdefault("pad_token_id", 0 if family == "bert" else 1)
    folder.mkdir(parents=True, exist_ok=True)
    write_tokenizer(folder, name, tokenizer_config)
    (folder / "config.json").write_text(json.dumps(settings))
    return read_checkpoint(folder)


def read_checkpoint(folder: Path) -> Checkpoint:
    """Read a checkpoint without its tensors."""
    files = {path.name: path.read_bytes() for path in folder.iterdir()}
    options = json.loads(files.get("tokenizer_config.json", b"{}"))
    digests = {name: hashlib.sha256(contents).hexdigest() for name, contents in files.items()}
    return Checkpoint(folder, json.loads(files["config.json"]), options, {}, digests)
