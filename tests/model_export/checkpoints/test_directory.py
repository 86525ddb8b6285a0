"""What is read of a checkpoint directory, and one refusal a row."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import save_file

from model_export.checkpoints import table
from model_export.checkpoints.directory import checkpoint_name, read_checkpoint
from model_export.checkpoints.readme import read_readme
from model_export.checkpoints.table import family_of
from seqserve.errors import CheckpointError
from tests.word_checkpoints import README, WORD_FAMILY, config, tensors, write_checkpoint

WEIGHTS, INDEX = "model.safetensors", "model.safetensors.index.json"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return write_checkpoint(tmp_path / "words")


def test_files_are_read_and_hashed(path: Path) -> None:
    (path / "tokenizer_config.json").write_text('{"do_lower_case": true}')
    (path / "training_args.bin").write_bytes(b"pickle")
    (path / "pytorch_model.bin").write_bytes(b"pickle")
    checkpoint = read_checkpoint(path)
    assert checkpoint.family == "words" and checkpoint.tokenizer_config == {"do_lower_case": True}
    assert checkpoint.tensors.keys() == tensors().keys()
    for name, array in tensors().items():
        assert checkpoint.tensors[name].dtype == np.float32
        np.testing.assert_array_equal(checkpoint.tensors[name], array)
    names = {"README.md", "config.json", "tokenizer_config.json", WEIGHTS}
    assert checkpoint.sha256 == {
        name: hashlib.sha256((path / name).read_bytes()).hexdigest() for name in names
    }
    assert checkpoint.read("README.md").decode() == README
    assert checkpoint.has("README.md") and not checkpoint.has("pytorch_model.bin")


def shard(path: Path) -> None:
    """Split the weights into two files with an index."""
    (path / WEIGHTS).unlink()
    places = {}
    for number, name in enumerate(tensors(), 1):
        file = f"model-{min(number, 2):05}-of-00002.safetensors"
        places[name] = file
    for file in set(places.values()):
        of_file = {name: array for name, array in tensors().items() if places[name] == file}
        save_file(of_file, path / file)
    index = {"metadata": {"total_size": 1}, "weight_map": places}
    (path / INDEX).write_text(json.dumps(index))


def test_shards_are_one_model(path: Path) -> None:
    whole = read_checkpoint(path)
    shard(path)
    checkpoint = read_checkpoint(path)
    assert checkpoint.tensors.keys() == whole.tensors.keys()
    for name, array in whole.tensors.items():
        np.testing.assert_array_equal(checkpoint.tensors[name], array)
    assert sum(name.endswith(".safetensors") for name in checkpoint.sha256) == 2


def cached(path: Path) -> Path:
    """Move a checkpoint into the layout of the hub's cache, whose snapshots link to blobs."""
    home = path.parent / "models--org--my-model"
    snapshot = home / "snapshots" / "0123abcd"
    snapshot.mkdir(parents=True)
    (home / "blobs").mkdir()
    for file in path.iterdir():
        blob = home / "blobs" / hashlib.sha256(file.read_bytes()).hexdigest()
        shutil.copy(file, blob)
        (snapshot / file.name).symlink_to(Path("../../blobs") / blob.name)
    return snapshot


def test_snapshot_of_the_hubs_cache(path: Path) -> None:
    snapshot = cached(path)
    checkpoint = read_checkpoint(snapshot)
    assert checkpoint.sha256 == read_checkpoint(path).sha256
    assert checkpoint_name(snapshot) == "org/my-model"
    assert checkpoint_name(path) == "words"


def test_directory_may_be_a_link(path: Path, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(path)
    assert read_checkpoint(tmp_path / "link").sha256 == read_checkpoint(path).sha256


def edit(**changes: Any) -> Callable[[Path], None]:
    return lambda path: (path / "config.json").write_text(json.dumps(config(**changes))) and None


def write(name: str, contents: bytes | str) -> Callable[[Path], None]:
    raw = contents.encode() if isinstance(contents, str) else contents
    return lambda path: (path / name).write_bytes(raw) and None


def remove(name: str) -> Callable[[Path], None]:
    return lambda path: (path / name).unlink()


def instead_of_weights(name: str) -> Callable[[Path], None]:
    return lambda path: (path / WEIGHTS).rename(path / name) and None


def index_with(weight_map: Any) -> Callable[[Path], None]:
    def change(path: Path) -> None:
        shard(path)
        (path / INDEX).write_text(json.dumps({"weight_map": weight_map}))

    return change


def link_out(name: str) -> Callable[[Path], None]:
    def change(path: Path) -> None:
        outside = path.parent / "outside"
        (path / name).rename(outside)
        (path / name).symlink_to(outside)

    return change


def twice(path: Path) -> None:
    shard(path)
    save_file(tensors(), path / "model-00002-of-00002.safetensors")


def without_a_shard(path: Path) -> None:
    shard(path)
    (path / "model-00002-of-00002.safetensors").unlink()


def with_too_few_tensors(path: Path) -> None:
    shard(path)
    index = json.loads((path / INDEX).read_text())
    index["weight_map"]["pooler.weight"] = "model-00001-of-00002.safetensors"
    (path / INDEX).write_text(json.dumps(index))


def huge(path: Path) -> None:
    with (path / "tokenizer.json").open("wb") as file:
        file.truncate(257 * 1024**2)


def as_folder(path: Path) -> None:
    (path / "config.json").unlink()
    (path / "config.json").mkdir()


def inner(path: Path) -> None:
    (path / "checkpoint-500").mkdir()
    (path / "config.json").rename(path / "checkpoint-500" / "config.json")


AUTO_MAP = {"AutoModel": "modeling.MyModel"}
REFUSALS: dict[str, tuple[Callable[[Path], None], str]] = {
    "no config": (remove("config.json"), r"has no config\.json, so it is no checkpoint"),
    "config in a folder": (inner, r"these folders in it have: checkpoint-500"),
    "config is a folder": (as_folder, r"config\.json cannot be read: Is a directory"),
    "config is no JSON": (write("config.json", "{"), r"config\.json is not JSON at character 1"),
    "config is no UTF-8": (write("config.json", b'{"a": "\xe9"}'), r"config\.json is not UTF-8"),
    "config is UTF-16": (write("config.json", "{}".encode("utf-16")), r"config\.json is UTF-16"),
    "config is a list": (write("config.json", "[]"), r"config\.json is no JSON object"),
    "config is empty": (write("config.json", ""), r"config\.json is empty: download"),
    "config is nested": (write("config.json", "[" * 5000), r"config\.json is nested too deeply"),
    "config has a key twice": (
        write("config.json", '{"model_type": "a", "model_type": "b"}'),
        r"config\.json is not JSON: an object has the same key twice",
    ),
    "config is too long": (
        write("config.json", '{"a": [%s 0]}' % ("0, " * 1_000_001)),
        r"config\.json has more than",
    ),
    "tokenizer config is no JSON": (
        write("tokenizer_config.json", "x"),
        r"tokenizer_config\.json is not JSON",
    ),
    "a huge file": (huge, r"tokenizer\.json has 269484032 bytes; at most"),
    "code of its own": (edit(auto_map=AUTO_MAP), r"config\.json has auto_map: .* Python code"),
    "a tokenizer with code": (
        write("tokenizer_config.json", json.dumps({"auto_map": AUTO_MAP})),
        r"tokenizer_config\.json has auto_map",
    ),
    "quantized": (
        edit(quantization_config={"quant_method": "gptq"}),
        r"has quantization_config \(gptq\): save the model without",
    ),
    "an adapter": (write("adapter_config.json", "{}"), r"is an adapter .*merge_and_unload"),
    "a bundle": (write("manifest.json", "{}"), r"is a bundle already: serve it with `seqserve"),
    "no weights": (remove(WEIGHTS), r"has no model\.safetensors: download the weights too"),
    "a pickle": (
        instead_of_weights("pytorch_model.bin"),
        r"has pytorch_model\.bin, but no .*pickle can run code.*python -c \".*save_pretrained\(d\)\" /",
    ),
    "pickles": (
        instead_of_weights("pytorch_model-00001-of-00002.bin"),
        r"has pytorch_model-00001-of-00002\.bin, but no .*pickle can run code",
    ),
    "TensorFlow": (instead_of_weights("tf_model.h5"), r"TensorFlow are not read.*from_tf=True"),
    "Flax": (instead_of_weights("flax_model.msgpack"), r"Flax are not read.*from_flax=True"),
    "GGUF": (instead_of_weights("model-q4.gguf"), r"quantized by another program"),
    "ONNX": (instead_of_weights("model.onnx"), r"graphs of other programs are not imported"),
    "another name": (
        instead_of_weights("model.fp16.safetensors"),
        r"has model\.fp16\.safetensors, but no .* rename it to model\.safetensors",
    ),
    "weights outside": (link_out(WEIGHTS), r"is a link to .*outside, outside of the directory"),
    "config outside": (link_out("config.json"), r"config\.json is a link to .*outside"),
    "README outside": (link_out("README.md"), r"README\.md is a link to .*outside"),
    "a shard is missing": (without_a_shard, r"lacks model-00002-of-00002\.safetensors, which"),
    "a tensor twice": (twice, r"has embedding\.weight, which another file has too"),
    "a tensor is missing": (with_too_few_tensors, r"names pooler\.weight, which no file has"),
    "an index without a map": (index_with(None), r"index\.json has no weight_map"),
    "an index of nothing": (index_with({}), r"index\.json has no weight_map"),
    "an index that leads out": (
        index_with({"a": "../outside.safetensors"}),
        r"a is in '\.\./outside\.safetensors'; it must be",
    ),
    "an index of pickles": (index_with({"a": "a.bin"}), r"a is in 'a\.bin'; it must be"),
    "an index of numbers": (index_with({"a": 1}), r"a is in 1; it must be"),
}


@pytest.mark.parametrize(("change", "message"), REFUSALS.values(), ids=REFUSALS)
def test_refusals(path: Path, change: Callable[[Path], None], message: str) -> None:
    change(path)
    with pytest.raises(CheckpointError, match=message):
        read_checkpoint(path)


PATHS: dict[str, tuple[str, str]] = {
    "nothing": ("missing/a/b", r"there is no directory missing/a/b: check the path"),
    "a hub name": (
        "org/model",
        r"download it once, with `hf download org/model --local-dir model`",
    ),
    "a file": ("words/model.safetensors", r"is a file; .*: seqserve import words"),
    "the cache": ("models--org--x", r"name one of its snapshots: seqserve import .*snapshots/1"),
    "an empty cache": (
        "models--org--y",
        r"is a folder of the hub's cache; name one of its snapshots$",
    ),
    "an empty folder": ("empty", r"empty has no config\.json"),
}


@pytest.mark.parametrize(("name", "message"), PATHS.values(), ids=PATHS)
def test_paths_that_are_no_checkpoint(
    path: Path, monkeypatch: pytest.MonkeyPatch, name: str, message: str
) -> None:
    monkeypatch.chdir(path.parent)
    Path("models--org--x/snapshots/1").mkdir(parents=True)
    Path("models--org--y").mkdir()
    Path("empty").mkdir()
    with pytest.raises(CheckpointError, match=message):
        read_checkpoint(Path(name))


def test_file_that_changes_after_it_was_hashed(path: Path) -> None:
    checkpoint = read_checkpoint(path)
    (path / "README.md").write_text("other")
    with pytest.raises(CheckpointError, match=r"README\.md was changed while it was read"):
        checkpoint.read("README.md")


FAMILIES = {
    "unknown": ({"model_type": "mamba"}, r"has model_type 'mamba'; these are imported: .*words"),
    "none": ({"model_type": None}, r"has no model_type, so its family is unknown"),
    "a number": ({"model_type": 3}, r"has no model_type"),
}


@pytest.mark.parametrize(("changes", "message"), FAMILIES.values(), ids=FAMILIES)
def test_families_that_are_refused(
    path: Path, monkeypatch: pytest.MonkeyPatch, changes: dict[str, Any], message: str
) -> None:
    monkeypatch.setattr(table, "FAMILIES", {"words": WORD_FAMILY})
    edit(**changes)(path)
    with pytest.raises(CheckpointError, match=message):
        family_of(read_checkpoint(path))


FRONT_MATTER: dict[str, tuple[str, str, tuple[str, ...]]] = {
    "plain": ("---\nlanguage: en\nlicense: mit\n---\n", "mit", ("en",)),
    "Windows": ("---\r\nlanguage: en\r\nlicense: mit\r\n---\r\n# x", "mit", ("en",)),
    "a mark of byte order": ("\ufeff---\nlicense: mit\n---\n", "mit", ()),
    "lists": (
        "---\nlanguage:\n- en\n- de\n- en\nlicense: [mit, bsd]\n---",
        "mit, bsd",
        ("en", "de"),
    ),
    "Norwegian": ("---\nlanguage: [no, nn]\n---\n", "", ("no", "nn")),
    "a licence of its own": ("---\nlicense: other\nlicense_name: my terms\n---\n", "my terms", ()),
    "other": ("---\nlicense: other\n---\n", "other", ()),
    "many languages": ("---\nlanguage: multilingual\n---\n", "", ("mul",)),
    "many and some": ("---\nlanguage: [multilingual, en, zh]\n---\n", "", ("en", "zh")),
    "no languages": ("---\nlanguage: [code, English]\n---\n", "", ()),
    "three letters": ("---\nlanguage: deu\n---\n", "", ("de",)),
    "region": ("---\nlanguage: pt-BR\n---\n", "", ("pt-BR",)),
    "no front matter": ("# A model\n\n---\nlicense: mit\n---\n", "", ()),
    "not closed": ("---\nlicense: mit\n", "", ()),
    "no YAML": ("---\nlicense: [mit\n---\n", "", ()),
    "a tag with code": ("---\nlicense: !!python/object/apply:os.getcwd []\n---\n", "", ()),
    "a list": ("---\n- license\n---\n", "", ()),
    "other types": ("---\nlicense: 3\nlanguage: {en: 1}\n---\n", "", ()),
    "empty": ("", "", ()),
}


@pytest.mark.parametrize(("text", "licence", "languages"), FRONT_MATTER.values(), ids=FRONT_MATTER)
def test_front_matter(path: Path, text: str, licence: str, languages: tuple[str, ...]) -> None:
    (path / "README.md").write_bytes(text.encode())
    readme = read_readme(read_checkpoint(path))
    assert (readme.licence, readme.languages) == (licence, languages)


def test_checkpoint_without_a_readme(tmp_path: Path) -> None:
    checkpoint = read_checkpoint(write_checkpoint(tmp_path / "words", readme=""))
    assert read_readme(checkpoint).licence == ""
