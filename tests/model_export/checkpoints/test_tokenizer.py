from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from transformers import AutoTokenizer

from model_export.checkpoints.tokenizer import EncoderText, encoder_text
from seqserve.errors import CheckpointError
from seqserve.text.pieces import PieceTokenizer
from tests.tiny_tokenizers import CORPUS, TOKENIZERS, read_checkpoint, write_checkpoint

PLAIN_LINES = [
    *(line for line in dict.fromkeys(CORPUS) if "[SEP]" not in line),
    "ANNA is naïve, Zoë isn't; é e\u0301",
    "a  b\tc\u3000d\n e",
    "\U0001f600 flag \U0001f1eb\U0001f1f7 \u200b joiner\u2060ed",
    "ﷺ ﬁ ½ Ａ １",
    "x" * 130,
]
NAMES = ["[CLS]", "[SEP]", "[PAD]", "[MASK]", "<s>", "</s>", "<pad>", "<mask>"]


def tokenizer_of(text: EncoderText) -> PieceTokenizer:
    return PieceTokenizer.from_bundle(text.files["tokenizer.json"], text.config, "test")


def ids_of(tokenizer: PieceTokenizer, text: str) -> list[int]:
    return tokenizer.row([piece.id for piece in tokenizer.pieces(text)])


@pytest.mark.parametrize("name", TOKENIZERS)
def test_ids_and_offsets_are_those_of_transformers(name: str, tmp_path: Path) -> None:
    ours = tokenizer_of(encoder_text(write_checkpoint(tmp_path, name), "en"))
    theirs = AutoTokenizer.from_pretrained(tmp_path)
    for line in PLAIN_LINES:
        expected = theirs(line, return_offsets_mapping=True, truncation=False)
        assert ids_of(ours, line) == expected["input_ids"], line
        offsets = [(piece.start, piece.end) for piece in ours.pieces(line)]
        assert offsets == expected["offset_mapping"][1:-1], line


@pytest.mark.parametrize("name", TOKENIZERS)
@pytest.mark.parametrize("spelled", NAMES)
def test_special_tokens_in_a_text_are_text(name: str, spelled: str, tmp_path: Path) -> None:
    text = encoder_text(write_checkpoint(tmp_path, name), "en")
    tokenizer = tokenizer_of(text)
    config = tokenizer.config
    special = {*config.prefix, *config.suffix, config.pad, 4}
    for line in (spelled, f"a{spelled}b", f"a {spelled} b"):
        pieces = tokenizer.pieces(line)
        assert pieces and not special & {piece.id for piece in pieces}


@pytest.mark.parametrize("name", TOKENIZERS)
@pytest.mark.parametrize("gap", [0, 3])
def test_words_that_users_added_are_kept(name: str, gap: int, tmp_path: Path) -> None:
    write_checkpoint(tmp_path, name)
    parts = json.loads((tmp_path / "tokenizer.json").read_text())
    n = len(parts["model"]["vocab"]) + gap
    entry = parts["added_tokens"][0] | {"special": False}
    parts["added_tokens"] += [
        entry | {"id": n, "content": "[unused]", "special": True},
        entry | {"id": n + 1, "content": "covid-19"},
    ]
    if gap:
        fillers = range(n - gap, n)
        parts["added_tokens"][-2:-2] = [
            entry | {"id": i, "content": f"[{i}]", "special": True} for i in fillers
        ]
    (tmp_path / "tokenizer.json").write_text(json.dumps(parts))
    tokenizer = tokenizer_of(encoder_text(read_checkpoint(tmp_path), "en"))
    assert [piece.id for piece in tokenizer.pieces("covid-19")][-1] == n + 1
    assert n not in [piece.id for piece in tokenizer.pieces("[unused]")]


def test_symbols_that_a_vocabulary_has_twice_keep_their_ids(tmp_path: Path) -> None:
    write_checkpoint(tmp_path, "xlm-roberta")
    parts = json.loads((tmp_path / "tokenizer.json").read_text())
    vocabulary = parts["model"]["vocab"]
    vocabulary[5:5] = [["<unk>", 0.0], ["</s>", 0.0]]
    vocabulary.append(["▁Zebra", -1.0])
    (tmp_path / "tokenizer.json").write_text(json.dumps(parts))
    tokenizer = tokenizer_of(encoder_text(read_checkpoint(tmp_path), "en"))
    assert [piece.id for piece in tokenizer.pieces("Zebra")] == [len(vocabulary) - 1]


@pytest.mark.parametrize(
    ("family", "name", "lower", "options"),
    [
        ("bert", "bert", False, {"do_lower_case": False}),
        ("bert", "bert-uncased", True, {}),
        ("distilbert", "bert-uncased", True, {"strip_accents": False}),
        ("electra", "bert-uncased", True, {"tokenize_chinese_chars": False}),
    ],
    ids=["cased", "uncased", "accents", "chinese"],
)
def test_vocab_txt_is_word_piece(
    family: str, name: str, lower: bool, options: dict[str, Any], tmp_path: Path
) -> None:
    write_checkpoint(tmp_path, name, options, model_type=family)
    vocabulary = json.loads((tmp_path / "tokenizer.json").read_text())["model"]["vocab"]
    (tmp_path / "tokenizer.json").unlink()
    symbols = sorted(vocabulary, key=vocabulary.__getitem__)
    (tmp_path / "vocab.txt").write_text("\n".join(symbols) + "\n", encoding="utf-8")
    text = encoder_text(read_checkpoint(tmp_path), "en")
    theirs = AutoTokenizer.from_pretrained(tmp_path)
    for line in PLAIN_LINES:
        assert ids_of(tokenizer_of(text), line) == theirs(line)["input_ids"], line
    assert (text.config["prefix"], text.config["suffix"], text.config["pad"]) == ([2], [3], 0)


@pytest.mark.parametrize("add_prefix_space", [False, True])
def test_merges_are_byte_level_bpe(add_prefix_space: bool, tmp_path: Path) -> None:
    write_checkpoint(tmp_path, "roberta", {"add_prefix_space": add_prefix_space})
    model = json.loads((tmp_path / "tokenizer.json").read_text())["model"]
    (tmp_path / "tokenizer.json").unlink()
    (tmp_path / "vocab.json").write_text(json.dumps(model["vocab"]))
    merges = "\n".join(" ".join(pair) for pair in model["merges"])
    (tmp_path / "merges.txt").write_text("#version: 0.2\n" + merges + "\n", encoding="utf-8")
    text = encoder_text(read_checkpoint(tmp_path), "en")
    theirs = AutoTokenizer.from_pretrained(tmp_path)
    for line in PLAIN_LINES:
        expected = theirs(line, return_offsets_mapping=True)
        assert ids_of(tokenizer_of(text), line) == expected["input_ids"], line
        offsets = [(piece.start, piece.end) for piece in tokenizer_of(text).pieces(line)]
        assert offsets == expected["offset_mapping"][1:-1], line
    assert (text.config["pad"], text.config["unknown"]) == (1, None)


@pytest.mark.parametrize("json_lower", [False, True])
@pytest.mark.parametrize("lower", [False, True])
def test_tokenizer_config_prevails_over_tokenizer_json(
    json_lower: bool, lower: bool, tmp_path: Path
) -> None:
    name = "bert-uncased" if json_lower else "bert"
    ours = tokenizer_of(
        encoder_text(write_checkpoint(tmp_path, name, {"do_lower_case": lower}), "en")
    )
    theirs = AutoTokenizer.from_pretrained(tmp_path)
    assert ids_of(ours, "Anna Zoë") == theirs("Anna Zoë")["input_ids"]


def test_a_doubtful_case_is_warned_of(tmp_path: Path) -> None:
    (warning,) = encoder_text(write_checkpoint(tmp_path, "bert", {}), "en").warnings
    assert "do_lower_case" in warning


LIMITS: dict[str, tuple[str, dict[str, Any], dict[str, Any], int]] = {
    "bert": ("bert", {}, {"max_position_embeddings": 512}, 510),
    "roberta": ("roberta", {}, {"max_position_embeddings": 514}, 510),
    "camembert": (
        "xlm-roberta",
        {},
        {"model_type": "camembert", "max_position_embeddings": 514},
        510,
    ),
    "roberta with another padding": ("roberta", {}, {"pad_token_id": 0}, 61),
    "deberta-v2": ("bert", {}, {"model_type": "deberta-v2"}, 510),
    "of the tokenizer": ("bert", {"model_max_length": 32}, {"max_position_embeddings": 512}, 30),
    "a whole float": ("bert", {"model_max_length": 32.0}, {"max_position_embeddings": 512}, 30),
    "none of the tokenizer": ("bert", {"model_max_length": 1e30}, {}, 62),
    "as transformers writes none": ("bert", {"model_max_length": int(1e30)}, {}, 62),
    "null": ("bert", {"model_max_length": None}, {}, 62),
}


@pytest.mark.parametrize(("name", "options", "config", "expected"), LIMITS.values(), ids=LIMITS)
def test_most_pieces_of_a_row(
    name: str, options: dict[str, Any], config: dict[str, Any], expected: int, tmp_path: Path
) -> None:
    text = encoder_text(write_checkpoint(tmp_path, name, options, **config), "en")
    assert text.max_tokens == text.config["max_tokens"] == expected


@pytest.mark.parametrize(
    ("language", "expected"),
    [("en", "en"), ("zh-Hans", "zh"), ("pt_BR", "pt"), ("", ""), ("mul", ""), ("und", "")],
)
def test_language_of_the_sentence_splitter(language: str, expected: str, tmp_path: Path) -> None:
    text = encoder_text(write_checkpoint(tmp_path, "bert"), language)
    assert text.config["language"] == expected


def test_special_tokens_without_a_post_processor(tmp_path: Path) -> None:
    write_checkpoint(tmp_path, "bert")
    parts = json.loads((tmp_path / "tokenizer.json").read_text())
    (tmp_path / "tokenizer.json").write_text(json.dumps(parts | {"post_processor": None}))
    config = encoder_text(read_checkpoint(tmp_path), "en").config
    assert (config["prefix"], config["suffix"]) == ([2], [3])


def test_added_special_tokens_bare_of_a_post_processor_are_warned_of(tmp_path: Path) -> None:
    write_checkpoint(tmp_path, "bert", {"tokenizer_class": "PreTrainedTokenizerFast"})
    assert encoder_text(read_checkpoint(tmp_path), "en").warnings == ()
    parts = json.loads((tmp_path / "tokenizer.json").read_text())
    (tmp_path / "tokenizer.json").write_text(json.dumps(parts | {"post_processor": None}))
    (warning,) = encoder_text(read_checkpoint(tmp_path), "en").warnings
    assert "adds no special tokens" in warning


def _remove(folder: Path) -> None:
    (folder / "tokenizer.json").unlink()


def _write(name: str, contents: str) -> Callable[[Path], None]:
    def damage(folder: Path) -> None:
        _remove(folder)
        (folder / name).write_bytes(contents.encode("latin-1"))

    return damage


def _merges(vocabulary: str, merges: str) -> Callable[[Path], None]:
    def damage(folder: Path) -> None:
        _write("vocab.json", vocabulary)(folder)
        (folder / "merges.txt").write_text(merges)

    return damage


def _vocab_txt(**options: Any) -> Callable[[Path], None]:
    def damage(folder: Path) -> None:
        _write("vocab.txt", "[PAD]\n[UNK]\n[CLS]\n[SEP]\n")(folder)
        (folder / "tokenizer_config.json").write_text(json.dumps(options))

    return damage


def _optional(**options: Any) -> Callable[[Path], None]:
    def damage(folder: Path) -> None:
        (folder / "tokenizer_config.json").write_text(json.dumps(options))

    return damage


LENGTH = "model_max_length is {} in tokenizer_config.json; it must be a whole number, at least 1"


def _with_added_words(folder: Path) -> None:
    _vocab_txt()(folder)
    (folder / "added_tokens.json").write_text('{"[MASK]": 4, "covid-19": 5}')


def _configured(**values: Any) -> Callable[[Path], None]:
    def damage(folder: Path) -> None:
        config = json.loads((folder / "config.json").read_text())
        (folder / "config.json").write_text(json.dumps(config | values))

    return damage


def _nameless(folder: Path) -> None:
    parts = json.loads((folder / "tokenizer.json").read_text())
    parts |= {"post_processor": None, "added_tokens": []}
    parts["model"]["vocab"] = {"[UNK]": 0, "a": 1}
    (folder / "tokenizer.json").write_text(json.dumps(parts))


def _without_unknown(folder: Path) -> None:
    parts = json.loads((folder / "tokenizer.json").read_text())
    parts["model"]["vocab"] = {"[CLS]": 0, "[SEP]": 1, "a": 2}
    (folder / "tokenizer.json").write_text(json.dumps(parts | {"added_tokens": []}))


REFUSED: dict[str, tuple[Callable[[Path], object], str]] = {
    "none": (_remove, r"no tokenizer that can be read.*AutoTokenizer.from_pretrained"),
    "sentencepiece alone": (_write("spiece.model", "\x0a"), "no tokenizer that can be read"),
    "no JSON": (_write("tokenizer.json", "{"), "is no JSON"),
    "another JSON": (_write("tokenizer.json", "[1]"), "describes no tokenizer"),
    "damaged": (_write("tokenizer.json", '{"model": {"type": "What"}}'), "cannot be read"),
    "no unknown symbol": (_without_unknown, r"Missing \[UNK\]"),
    "not UTF-8": (_write("vocab.txt", "[UNK]\n\xff\xfe\n"), "is not UTF-8"),
    "another vocab.txt": (
        _write("vocab.txt", "the 123\nof 99\n"),
        r"lacks \[UNK\], \[CLS\], \[SEP\]",
    ),
    "Japanese words": (
        _vocab_txt(tokenizer_class="BertJapaneseTokenizer"),
        "is a BertJapaneseTokenizer",
    ),
    "an option of vocab.txt": (_vocab_txt(do_lower_case=None), "do_lower_case is None"),
    "an option of tokenizer.json": (
        _optional(do_lower_case="no"),
        "do_lower_case is 'no' in tokenizer_config.json",
    ),
    "nested too deeply": (_write("tokenizer.json", "[" * 100_000), "is no JSON"),
    "added words": (_with_added_words, r"has added words \(.*covid-19\).*AutoTokenizer"),
    "added words in the config": (
        _vocab_txt(added_tokens_decoder={"4": {"content": "covid-19", "special": False}}),
        r"has added words \(covid-19\)",
    ),
    "damaged merges": (
        _merges('{"<s>": 0, "</s>": 1, "a": 2}', "a b c\n"),
        "vocab.json with merges.txt of .* cannot be read",
    ),
    "merges of another vocabulary": (
        _merges('{"a": 0, "b": 1}', "a b\n"),
        "merges.txt of .* cannot be read",
    ),
    "no special tokens": (_merges('{"a": 0, "b": 1, "ab": 2}', "a b\n"), "lacks <s>, </s>"),
    "fewer embeddings than ids": (_configured(vocab_size=50), "has only 50 embeddings"),
    "no vocab_size": (_configured(vocab_size=None), "vocab_size is None in config.json"),
    "positions in words": (
        _configured(max_position_embeddings="512"),
        "max_position_embeddings is '512' in config.json; it must be a whole number",
    ),
    "a length in words": (_optional(model_max_length="512"), LENGTH.format("'512'")),
    "a length of nothing": (_optional(model_max_length=0), LENGTH.format(0)),
    "a negative length": (_optional(model_max_length=-1), LENGTH.format(-1)),
    "a broken length": (_optional(model_max_length=2.5), LENGTH.format(2.5)),
    "a length that is true": (_optional(model_max_length=True), LENGTH.format(True)),
    "a class that is a list": (
        _optional(tokenizer_class=["BertTokenizer"]),
        "tokenizer_class is .* it must be a string",
    ),
    "a token that is a number": (
        _optional(cls_token=101),
        "cls_token is 101 in tokenizer_config.json; it must be a string",
    ),
    "a token in the map that is a number": (
        lambda folder: (
            (folder / "special_tokens_map.json").write_text('{"sep_token": {"id": 1}}') and None
        ),
        "sep_token is .* in special_tokens_map.json; it must be a string",
    ),
    "no room": (_configured(max_position_embeddings=2), "has room for 2 tokens"),
    "nothing around a text": (_nameless, "no special tokens around a text"),
    "damaged map": (
        lambda folder: (folder / "special_tokens_map.json").write_text("{") and None,
        "special_tokens_map.json is not JSON",
    ),
}


@pytest.mark.parametrize(("damage", "message"), REFUSED.values(), ids=REFUSED)
def test_refused(damage: Callable[[Path], object], message: str, tmp_path: Path) -> None:
    write_checkpoint(tmp_path, "bert", {})
    damage(tmp_path)
    with pytest.raises(CheckpointError, match=message):
        encoder_text(read_checkpoint(tmp_path), "en")
