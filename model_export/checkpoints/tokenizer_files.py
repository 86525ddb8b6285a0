"""The tokenizers of checkpoints, as the JSON of the `tokenizers` library; no text can spell a special token.

A `tokenizer.json` is taken as it is, with the options of tokenizer_config.json that transformers applies to it;
`vocab.txt` is WordPiece, `vocab.json` with `merges.txt` byte-level BPE. Everything else needs a converter of
transformers.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, processors

from model_export.checkpoints.base import Checkpoint
from model_export.checkpoints.json_file import parse_object
from model_export.checkpoints.settings import name_of, switch_of
from model_export.checkpoints.special_tokens import BERT_NAMES, ROBERTA_NAMES, special_names
from seqserve.errors import CheckpointError

TOKENIZER_FILE = "tokenizer.json"
_LINE_BREAK = re.compile(r"\r?\n")
_WORD_PIECE_CLASS = re.compile(r"(?:Bert|DistilBert|Electra)Tokenizer(?:Fast)?")
_BYTE_LEVEL_CLASS = re.compile(r"Roberta(?:Bpe)?Tokenizer(?:Fast)?|GPT2Tokenizer(?:Fast)?")
_AS_IN_JSON = frozenset({"PreTrainedTokenizerFast", "TokenizersBackend"})
_MAX_WORD_CHARACTERS = 100  # of WordPiece: a longer word is unknown
_ANY_TEXT = "a \u65e5 \U0001f600"
_OPTIONS = {
    "BertNormalizer": {
        "lowercase": "do_lower_case",
        "strip_accents": "strip_accents",
        "handle_chinese_chars": "tokenize_chinese_chars",
    },
    "ByteLevel": {"add_prefix_space": "add_prefix_space"},
}
"""Per component of a tokenizer: its field -> the key of tokenizer_config.json that sets it."""


def read_tokenizer(checkpoint: Checkpoint) -> tuple[Tokenizer, dict[str, Any]]:
    """Return the tokenizer of a checkpoint without truncation and padding, and the parts of its tokenizer.json.

    Raises:
        CheckpointError: There is no tokenizer that can be read, or it is damaged.
    """
    for names, read in _READERS.items():
        if all(checkpoint.has(name) for name in names):
            parts = read(checkpoint)
            break
    else:
        raise CheckpointError(
            f"{checkpoint.path} has no tokenizer that can be read ({TOKENIZER_FILE}, vocab.txt, or vocab.json "
            f"with merges.txt). {_remedy(checkpoint)}"
        )
    parts["truncation"] = parts["padding"] = None
    tokenizer = open_tokenizer(checkpoint, parts)
    return tokenizer, _parts(tokenizer)


def open_tokenizer(checkpoint: Checkpoint, parts: Mapping[str, Any]) -> Tokenizer:
    """Return the tokenizer that parts of a checkpoint make.

    Raises:
        CheckpointError: They make none.
    """
    with _library_errors(checkpoint, TOKENIZER_FILE):
        tokenizer = Tokenizer.from_str(json.dumps(parts, ensure_ascii=False))
        tokenizer.encode(_ANY_TEXT)  # fails without the symbol of unknown words
    return tokenizer


@contextmanager
def _library_errors(checkpoint: Checkpoint, files: str) -> Iterator[None]:
    """Report what the library raises about files: plain exceptions, and panics, which are none."""
    try:
        yield
    except BaseException as error:
        is_panic = type(error).__module__ == "pyo3_runtime"
        if not isinstance(error, Exception) and not is_panic:
            raise
        raise CheckpointError(
            f"{files} of {checkpoint.path} cannot be read: {error}. {_remedy(checkpoint)}"
        ) from error


def _from_json(checkpoint: Checkpoint) -> dict[str, Any]:
    try:
        parts = json.loads(checkpoint.read(TOKENIZER_FILE))
    except (ValueError, RecursionError) as error:
        raise CheckpointError(f"{checkpoint.path / TOKENIZER_FILE} is no JSON: {error}") from error
    if not isinstance(parts, dict) or not isinstance(parts.get("model"), dict):
        raise CheckpointError(
            f"{checkpoint.path / TOKENIZER_FILE} describes no tokenizer. {_remedy(checkpoint)}"
        )
    if not is_used_as_in_json(checkpoint):
        for part in ("normalizer", "pre_tokenizer"):
            parts[part] = _with_options(parts.get(part), checkpoint.tokenizer_config)
    return parts


def is_used_as_in_json(checkpoint: Checkpoint) -> bool:
    """Return whether the class of a tokenizer is one that transformers changes nothing of."""
    return name_of(checkpoint.tokenizer_config, "tokenizer_class") in _AS_IN_JSON


def _strip_accents(options: Mapping[str, Any]) -> bool | None:
    """Return whether accents are removed; None: if letters are made small."""
    key = "strip_accents"
    return None if options.get(key) is None else switch_of(options, key)


def _with_options(component: Any, options: Mapping[str, Any]) -> Any:
    """Set the options of a component, or of those that it is a sequence of."""
    if not isinstance(component, dict):
        return component
    fields = _OPTIONS.get(component.get("type", ""), {})
    changed = {
        field: _strip_accents(options) if key == "strip_accents" else switch_of(options, key)
        for field, key in fields.items()
        if key in options
    }
    nested = {
        key: [_with_options(one, options) for one in component[key]]
        for key in ("normalizers", "pretokenizers")
        if isinstance(component.get(key), list)
    }
    return {**component, **changed, **nested}


def _from_vocab_txt(checkpoint: Checkpoint) -> dict[str, Any]:
    _check_class(checkpoint, _WORD_PIECE_CLASS)
    lines = _LINE_BREAK.split(_text(checkpoint, "vocab.txt"))
    vocabulary = {line: i for i, line in enumerate(lines) if line or i < len(lines) - 1}
    options = checkpoint.tokenizer_config
    special = special_names(checkpoint)
    unknown, first, last = (special.get(role, BERT_NAMES[role]) for role in ("unk", "cls", "sep"))
    _check_symbols(checkpoint, vocabulary, (unknown, first, last), "vocab.txt")
    _refuse_added_words(checkpoint, vocabulary)
    word_piece = models.WordPiece(
        vocabulary, unk_token=unknown, max_input_chars_per_word=_MAX_WORD_CHARACTERS
    )
    tokenizer = Tokenizer(word_piece)
    tokenizer.normalizer = normalizers.BertNormalizer(
        clean_text=True,
        handle_chinese_chars=switch_of(options, "tokenize_chinese_chars", default=True),
        strip_accents=_strip_accents(options),
        lowercase=switch_of(options, "do_lower_case", default=True),
    )
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.decoder = decoders.WordPiece()
    tokenizer.post_processor = processors.TemplateProcessing(
        single=[first, "$A", last],
        special_tokens=[(first, vocabulary[first]), (last, vocabulary[last])],
    )
    return _parts(tokenizer)


def _from_merges(checkpoint: Checkpoint) -> dict[str, Any]:
    _check_class(checkpoint, _BYTE_LEVEL_CLASS)
    lines = _LINE_BREAK.split(_text(checkpoint, "merges.txt"))
    with _library_errors(checkpoint, "vocab.json with merges.txt"):
        vocabulary = json.loads(_text(checkpoint, "vocab.json"))
        pairs = [line.split(" ") for line in lines if line and not line.startswith("#version")]
        tokenizer = Tokenizer(models.BPE(vocabulary, [(left, right) for left, right in pairs]))
    special = special_names(checkpoint)
    first, last = (special.get(role, ROBERTA_NAMES[role]) for role in ("cls", "sep"))
    _check_symbols(checkpoint, vocabulary, (first, last), "vocab.json")
    _refuse_added_words(checkpoint, vocabulary)
    has_space = switch_of(checkpoint.tokenizer_config, "add_prefix_space")
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=has_space)
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.post_processor = processors.RobertaProcessing(
        (last, vocabulary[last]),
        (first, vocabulary[first]),
        trim_offsets=True,
        add_prefix_space=has_space,
    )
    return _parts(tokenizer)


_READERS: Mapping[tuple[str, ...], Callable[[Checkpoint], dict[str, Any]]] = {
    (TOKENIZER_FILE,): _from_json,
    ("vocab.txt",): _from_vocab_txt,
    ("vocab.json", "merges.txt"): _from_merges,
}
"""The files that a tokenizer is read from -> their reader; the first row of which all files exist is taken."""


def _check_class(checkpoint: Checkpoint, known: re.Pattern[str]) -> None:
    name = name_of(checkpoint.tokenizer_config, "tokenizer_class")
    if name is not None and not known.fullmatch(name):
        raise CheckpointError(
            f"the tokenizer of {checkpoint.path} is a {name}, which only transformers can read. "
            f"{_remedy(checkpoint)}"
        )


def _refuse_added_words(checkpoint: Checkpoint, vocabulary: Mapping[str, int]) -> None:
    """Refuse a vocabulary to which words were added that other files name.

    Raises:
        CheckpointError: A word that is no special token has its id in another file.
    """
    decoder = checkpoint.tokenizer_config.get("added_tokens_decoder")
    entries = decoder.values() if isinstance(decoder, Mapping) else ()
    words = {
        entry.get("content")
        for entry in entries
        if isinstance(entry, Mapping) and not entry.get("special")
    }
    name = "added_tokens.json"
    if checkpoint.has(name):
        words |= parse_object(checkpoint.read(name), str(checkpoint.path / name)).keys()
    special = set(special_names(checkpoint).values())
    marked = {e.get("content") for e in entries if isinstance(e, Mapping)} - words
    added = sorted(map(str, words - marked - special - vocabulary.keys()))
    if added:
        raise CheckpointError(
            f"the tokenizer of {checkpoint.path} has added words ({', '.join(added[:3])}), which its "
            f"vocabulary lacks. {_remedy(checkpoint)}"
        )


def _check_symbols(
    checkpoint: Checkpoint, vocabulary: Mapping[str, int], symbols: Collection[str], file: str
) -> None:
    missing = [symbol for symbol in symbols if symbol not in vocabulary]
    if missing:
        raise CheckpointError(
            f"{checkpoint.path / file} lacks {', '.join(missing)}: it is the vocabulary of another kind of "
            f"tokenizer. {_remedy(checkpoint)}"
        )


def _text(checkpoint: Checkpoint, name: str) -> str:
    try:
        return checkpoint.read(name).decode()
    except UnicodeDecodeError as error:
        raise CheckpointError(f"{checkpoint.path / name} is not UTF-8: {error}") from error


def _parts(tokenizer: Tokenizer) -> dict[str, Any]:
    parts: dict[str, Any] = json.loads(tokenizer.to_str())
    return parts


def _remedy(checkpoint: Checkpoint) -> str:
    path = str(checkpoint.path)
    return (
        f'Make a {TOKENIZER_FILE} with transformers: python -c "from transformers import AutoTokenizer; '
        f'AutoTokenizer.from_pretrained({path!r}).save_pretrained({path!r})"'
    )
