"""Imported Marian checkpoints find what `transformers.generate` finds, and other layouts are refused."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from transformers import MarianConfig, MarianMTModel

from model_export.checkpoints.base import Checkpoint, ImportOptions
from model_export.checkpoints.marian import compare, convert
from model_export.sources.restore import restore_translator
from seqserve.bundle import Bundle, load_bundle
from seqserve.decode.search import SearchOptions
from seqserve.dequantization import SCALES
from seqserve.errors import CheckpointError, ExportError
from seqserve.models.marian import marian_settings, to_marian
from seqserve.records import TranslationItem
from seqserve.runtime.engine import open_engine
from seqserve.runtime.openers import open_predictor, open_tokenizer, open_translator
from seqserve.runtime.search_request import SearchRequest
from tests.marian_checkpoints import (
    ENGLISH,
    FRENCH,
    GERMAN,
    read,
    write_checkpoint,
    write_converted,
)
from tests.serving import ROOT

CODES = (">>fra<<", ">>deu<<")
MORE_TOKENS = 8  # than the source has
HOSTILE = (
    *("</s>", "<unk> <pad>", ">>deu<< The file was not found in the folder.", ">>", "\0", "▁", " "),
    *("٣٤ 日本語 👩‍👩‍👧", "e\u0301\u200b\u00ad", "x" * 3000, "\ud7ff\ue000", "<0x41>"),
)


@dataclass(frozen=True)
class Imported:
    """A checkpoint, and its bundles by precision."""

    model: MarianMTModel
    folder: Path
    bundles: Mapping[str, Bundle]


def import_all(root: Path, languages: tuple[str, ...], codes: tuple[str, ...]) -> Imported:
    model = write_checkpoint(root / "checkpoint", codes)
    bundles = {}
    for precision in ("fp32", "int8"):
        converted = convert(read(root / "checkpoint"), ImportOptions(precision, languages))
        bundles[precision] = write_converted(root / precision, converted, precision)
    return Imported(model, root / "checkpoint", bundles)


@pytest.fixture(scope="module")
def one_target(tmp_path_factory: pytest.TempPathFactory) -> Imported:
    return import_all(tmp_path_factory.mktemp("one"), ("en", "fr"), ())


@pytest.fixture(scope="module")
def two_targets(tmp_path_factory: pytest.TempPathFactory) -> Imported:
    return import_all(tmp_path_factory.mktemp("two"), ("en",), CODES)


def generated(model: MarianMTModel, ids: list[int], beam_size: int, banned: list[int]) -> list[int]:
    """Return what transformers finds, special ids left out."""
    with torch.inference_mode():
        (found,) = model.generate(
            input_ids=torch.tensor([ids]),
            num_beams=beam_size,
            do_sample=False,
            max_new_tokens=len(ids) + MORE_TOKENS,
            bad_words_ids=[[one] for one in banned],
            early_stopping=beam_size > 1,
            length_penalty=1.0,
        ).tolist()
    special = {model.config.pad_token_id, model.config.eos_token_id}
    return [one for one in found if one not in special]


@pytest.mark.parametrize("precision", ["fp32", "int8"])
@pytest.mark.parametrize("beam_size", [1, 4])
@pytest.mark.parametrize("name", ["one_target", "two_targets"])
def test_the_graphs_find_the_tokens_of_transformers(
    name: str, beam_size: int, precision: str, request: pytest.FixtureRequest
) -> None:
    imported: Imported = request.getfixturevalue(name)
    bundle = imported.bundles[precision]
    tokenizer = open_tokenizer(bundle.config, bundle.read).towards("fr")
    texts = [*ENGLISH, *(f"{one[:20]}, {other[-15:]}" for one, other in pairwise(ENGLISH))]
    sources = [tokenizer.encode(text) for text in texts]
    options = SearchOptions(beam_size, 1.0, 1)
    requests = [SearchRequest(ids, len(ids) + MORE_TOKENS, options) for ids in sources]
    open_translator(bundle, 1).search(requests)
    banned = list(tokenizer.specials.banned)
    expected = [generated(imported.model, ids, beam_size, banned) for ids in sources]
    compared = slice(len(ENGLISH)) if precision == "int8" else slice(None)
    found = [list(one.best[0].tokens) for one in requests]
    assert found[compared] == expected[compared]
    assert max(map(len, expected)) > 5


@pytest.mark.parametrize("precision", ["fp32", "int8"])
def test_the_target_selects_the_language(two_targets: Imported, precision: str) -> None:
    predictor = open_predictor(two_targets.bundles[precision], 1)
    items = [
        TranslationItem(text, pair=pair)
        for text in ENGLISH
        for pair in (("en", "fr"), ("en", "de"))
    ]
    texts = [result.text for result in predictor.predict(items)]
    assert texts == [text for pair in zip(FRENCH, GERMAN, strict=True) for text in pair]


@pytest.mark.parametrize("precision", ["fp32", "int8"])
def test_alone_is_as_in_a_batch(two_targets: Imported, precision: str) -> None:
    predictor = open_predictor(two_targets.bundles[precision], 1)
    items = [
        TranslationItem(text, beam_size=beam_size, pair=("en", target))
        for text, beam_size, target in zip(
            [*ENGLISH, *HOSTILE], (1, 4, 2) * 6, ("fr", "de") * 9, strict=True
        )
    ]
    together = predictor.predict(items)
    assert [predictor.predict([item])[0] for item in items] == together


@pytest.mark.parametrize("text", HOSTILE, ids=ascii)
def test_text_that_spells_a_symbol_is_text(two_targets: Imported, text: str) -> None:
    bundle = two_targets.bundles["fp32"]
    tokenizer = open_tokenizer(bundle.config, bundle.read).towards("fr")
    special = {tokenizer.specials.end, tokenizer.specials.pad}
    prefix, *ids, end = tokenizer.encode(text)
    vocabulary = json.loads(bundle.read("vocabulary.json"))
    assert (prefix, end) == (vocabulary[">>fra<<"], tokenizer.specials.end)
    assert not special & {*ids} and not {vocabulary[code] for code in CODES} & {*ids}


def test_the_comparison_with_transformers_finds_a_difference(
    one_target: Imported, tmp_path: Path
) -> None:
    checkpoint = read(one_target.folder)
    assert 0 < compare(checkpoint, one_target.bundles["fp32"]) < 1e-5
    name = "model.decoder.layers.1.fc2.weight"
    tensors = {**checkpoint.tensors, name: checkpoint.tensors[name] * 1.3}
    damaged = convert(replace(checkpoint, tensors=tensors), ImportOptions("fp32", ("en", "fr")))
    with pytest.raises(ExportError, match="where torch returns"):
        compare(checkpoint, write_converted(tmp_path / "damaged", damaged))


def test_int8_quantizes_every_matrix(one_target: Imported) -> None:
    converted = convert(read(one_target.folder), ImportOptions("int8", ("en", "fr")))
    assert converted.weights is not None
    tensors = converted.weights.tensors
    matrices = [name for name in read(one_target.folder).tensors if name.endswith("_proj.weight")]
    assert len(matrices) == 24
    assert all(name.removeprefix("model.") + SCALES in tensors for name in matrices)


def test_a_checkpoint_in_half_precision_is_read(tmp_path: Path) -> None:
    model = write_checkpoint(tmp_path / "half", n_steps=0)
    model.half().save_pretrained(tmp_path / "half")
    checkpoint = read(tmp_path / "half")
    exact = convert(checkpoint, ImportOptions("fp32", ("en", "fr")))
    assert compare(checkpoint, write_converted(tmp_path / "exact", exact)) < 1e-4


def test_our_translator_as_a_checkpoint_translates_the_same(tmp_path: Path) -> None:
    bundle = load_bundle(ROOT / "bundles/translate-en-zh")
    ours = restore_translator(bundle)
    config = MarianConfig(**marian_settings(ours.config), max_position_embeddings=512)
    model = MarianMTModel(config)
    model.load_state_dict(to_marian(ours.state_dict()), strict=False)
    model.save_pretrained(tmp_path / "opus-mt-en-zh")
    (tmp_path / "opus-mt-en-zh/tokenizer.json").write_bytes(bundle.read("tokenizer.json"))
    converted = convert(read(tmp_path / "opus-mt-en-zh"), ImportOptions("fp32"))
    assert converted.languages == ("en", "zh")
    imported = open_engine(write_converted(tmp_path / "bundle", converted).path)
    texts = ["Return the number of days, as an integer.", "I have two brothers.", "Close it first."]
    items = [TranslationItem(text) for text in texts]
    expected = open_predictor(bundle, 1).predict(items)
    assert [one.text for one in imported.predict(items)] == [one.text for one in expected]


def edited(folder: Path, path: Path, **config: Any) -> Checkpoint:
    """Return a copy of a checkpoint with other settings."""
    shutil.copytree(folder, path)
    settings = json.loads((path / "config.json").read_text())
    (path / "config.json").write_text(json.dumps({**settings, **config}))
    return read(path)


SETTINGS: dict[str, tuple[dict[str, Any], str]] = {
    "pre-norm": ({"normalize_before": True}, "normalize_before of config.json is true"),
    "final norm": ({"add_final_layer_norm": True}, "add_final_layer_norm"),
    "embedding norm": ({"normalize_embedding": True}, "normalize_embedding"),
    "two tables": ({"share_encoder_decoder_embeddings": False}, "only if it is true"),
    "untied": ({"tie_word_embeddings": False}, "tie_word_embeddings"),
    "no scale": ({"scale_embedding": False}, "scale_embedding of config.json is false"),
    "learned": ({"static_position_embeddings": False}, "static_position_embeddings"),
    "gelu": ({"activation_function": "gelu"}, '"gelu"; .* swish or relu'),
    "heads differ": ({"decoder_attention_heads": 4}, "decoder_attention_heads of config.json is 4"),
    "odd heads": ({"encoder_attention_heads": 7, "decoder_attention_heads": 7}, "divisible"),
    "inner widths differ": ({"decoder_ffn_dim": 64}, "only if it is 128, as encoder_ffn_dim"),
    "start": ({"decoder_start_token_id": 3}, "decoder_start_token_id of config.json is 3"),
    "two sizes": ({"decoder_vocab_size": 9}, "decoder_vocab_size of config.json is 9"),
    "end": ({"eos_token_id": 5}, "</s> is 3, but eos_token_id of config.json is 5"),
    "no number": ({"d_model": "64"}, "d_model is '64' in config.json; it must be a whole number"),
    "more layers": ({"encoder_layers": 3}, "lacks 16 tensors: model.encoder.layers.2.fc1.bias, "),
    "fewer layers": ({"encoder_layers": 1}, "has, beside those of a Marian model, 16 tensors"),
    "another width": ({"d_model": 32}, r"is \(.*\); by config.json it must be"),
    "no positions": ({"max_position_embeddings": 0}, "max_position_embeddings is 0"),
}


@pytest.mark.parametrize(("settings", "message"), SETTINGS.values(), ids=SETTINGS)
def test_another_layout_is_refused(
    one_target: Imported, tmp_path: Path, settings: dict[str, Any], message: str
) -> None:
    checkpoint = edited(one_target.folder, tmp_path / "x", **settings)
    with pytest.raises(CheckpointError, match=message):
        convert(checkpoint, ImportOptions("fp32", ("en", "fr")))


def untied(tensors: dict[str, Any]) -> None:
    tensors["lm_head.weight"] = tensors["model.shared.weight"] + 1


def learned(tensors: dict[str, Any]) -> None:
    tensors["model.encoder.embed_positions.weight"] = np.ones((64, 64), np.float32)


def cut(tensors: dict[str, Any]) -> None:
    tensors["final_logits_bias"] = tensors["final_logits_bias"][:, 1:]


def final_norm(tensors: dict[str, Any]) -> None:
    tensors["model.encoder.layer_norm.weight"] = np.ones(64, np.float32)


TENSORS: dict[str, tuple[Callable[[dict[str, Any]], None], str]] = {
    "untied": (untied, "lm_head.weight is not model.shared.weight"),
    "learned positions": (learned, "positions model.encoder.embed_positions.weight are learned"),
    "bias": (cut, r"final_logits_bias is \(1, 114\); by config.json it must be \(1, 115\)"),
    "final norm": (final_norm, "1 tensors: model.encoder.layer_norm.weight"),
    "no table": (
        lambda tensors: tensors.pop("model.shared.weight"),
        "lacks 1 tensors: model.shared",
    ),
}


@pytest.mark.parametrize(("edit", "message"), TENSORS.values(), ids=TENSORS)
def test_other_tensors_are_refused(
    one_target: Imported, edit: Callable[[dict[str, Any]], None], message: str
) -> None:
    checkpoint = read(one_target.folder)
    tensors = dict(checkpoint.tensors)
    edit(tensors)
    with pytest.raises(CheckpointError, match=message):
        convert(replace(checkpoint, tensors=tensors), ImportOptions("fp32", ("en", "fr")))


def test_stored_positions_and_tied_copies_are_accepted(one_target: Imported) -> None:
    checkpoint = read(one_target.folder)
    shared = checkpoint.tensors["model.shared.weight"]
    stored = {name: value.numpy() for name, value in one_target.model.state_dict().items()}
    tensors = {name: value for name, value in stored.items() if name != "model.shared.weight"}
    assert np.array_equal(tensors["lm_head.weight"], shared)
    full, slim = (
        convert(one, ImportOptions("fp32", ("en", "fr")))
        for one in (replace(checkpoint, tensors=tensors), checkpoint)
    )
    assert full.weights and slim.weights
    assert full.weights.to_bytes() == slim.weights.to_bytes()


FILES: dict[str, tuple[str, bytes | None, str]] = {
    "no tokenizer": ("source.spm", None, "neither source.spm"),
    "damaged": ("source.spm", b"\xff\xff", "is no sentencepiece model"),
    "no vocabulary": ("vocab.json", None, "has no vocab.json"),
    "no JSON": ("vocab.json", b"{", "is not JSON"),
    "a list": ("vocab.json", b"[]", "must be an object of pieces and their ids"),
    "twice": ("vocab.json", b'{"a": 1, "b": 1}', "each id once"),
    "no specials": ("vocab.json", b'{"a": 1}', "lacks </s>, <pad>, <unk>"),
    "too few": ("vocab.json", b'{"</s>": 3, "<unk>": 1, "<pad>": 114, "z": 200}', "up to 200"),
    "two vocabularies": ("target_vocab.json", b"{}", "a vocabulary per language"),
}


@pytest.mark.parametrize(("name", "contents", "message"), FILES.values(), ids=FILES)
def test_another_tokenizer_is_refused(
    one_target: Imported, tmp_path: Path, name: str, contents: bytes | None, message: str
) -> None:
    shutil.copytree(one_target.folder, tmp_path / "x")
    path = tmp_path / "x" / name
    path.unlink() if contents is None else path.write_bytes(contents)
    with pytest.raises(CheckpointError, match=message):
        convert(read(tmp_path / "x"), ImportOptions("fp32", ("en", "fr")))


def test_calibration_texts_are_refused(one_target: Imported) -> None:
    with pytest.raises(CheckpointError, match="without --calibrate"):
        convert(read(one_target.folder), ImportOptions("int8", ("en", "fr"), ENGLISH))


def test_a_translation_fits_the_table_of_positions(one_target: Imported, tmp_path: Path) -> None:
    long = edited(one_target.folder, tmp_path / "x", max_position_embeddings=1024)
    converted = convert(long, ImportOptions("fp32", ("en", "fr")))
    assert converted.limits == {"max_source_tokens": 507}
    predictor = open_predictor(write_converted(tmp_path / "bundle", converted), 1)
    (result,) = predictor.predict([TranslationItem("The " * 2000, beam_size=1)])
    assert result.n_tokens and result.n_tokens > 2000


def test_the_import_needs_no_torch() -> None:
    code = "import model_export.checkpoints.marian, sys; sys.exit(int('torch' in sys.modules))"
    subprocess.run([sys.executable, "-c", code], check=True, cwd=ROOT, timeout=60)
