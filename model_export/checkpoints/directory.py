"""Read the directory of a Hugging Face checkpoint: no code is run, and nothing is downloaded."""

from __future__ import annotations

import hashlib
import re
import shlex
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from model_export.checkpoints.base import Checkpoint
from model_export.checkpoints.json_file import parse_object
from model_export.checkpoints.tensors import Array, read_tensors
from seqserve.errors import CheckpointError

CONFIG_FILE, TOKENIZER_CONFIG_FILE = "config.json", "tokenizer_config.json"
WEIGHTS, WEIGHTS_INDEX = "model.safetensors", "model.safetensors.index.json"
README = "README.md"

_TEXT_SUFFIXES = (
    ".json",
    ".txt",
    ".md",
    ".model",
    ".spm",
)  # the last two hold sentencepiece models
_MAX_TEXT_BYTES = 256 * 1024**2
_HUB_NAME = re.compile(r"[A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*")
_CACHE = re.compile(r"models--(?P<name>.+)")
_PLAIN_FILE = re.compile(r"[A-Za-z0-9][\w.-]*\.safetensors")


def read_checkpoint(path: Path) -> Checkpoint:
    """Read a directory that `save_pretrained` of transformers wrote, or a snapshot of the hub's cache.

    Raises:
        CheckpointError: There is no such directory, or it is no checkpoint, incomplete, damaged, or of a kind
            that is not imported; says what to do.
    """
    _refuse_other_paths(path)
    files = _Files(path)
    for marker, refuse in _OTHER_LAYOUTS.items():
        if (path / marker).exists():
            refuse(path)
    if not (path / CONFIG_FILE).exists():
        raise CheckpointError(_explain_missing_config(path))
    config = parse_object(files.read(CONFIG_FILE), str(path / CONFIG_FILE))
    tokenizer_config = {}
    if (path / TOKENIZER_CONFIG_FILE).exists():
        contents = files.read(TOKENIZER_CONFIG_FILE)
        tokenizer_config = parse_object(contents, str(path / TOKENIZER_CONFIG_FILE))
    _refuse_kinds(path, config, tokenizer_config)
    for name in files.texts():
        files.read(name)
    tensors = files.tensors()
    return Checkpoint(path, config, tokenizer_config, tensors, files.sha256)


def checkpoint_name(path: Path) -> str:
    """Return the name of a checkpoint: `organisation/name` in the hub's cache, else that of the directory."""
    path = path.resolve()
    if path.parent.name == "snapshots" and (found := _CACHE.fullmatch(path.parents[1].name)):
        return found["name"].replace("--", "/", 1)
    return path.name


class _Files:
    """The files of a directory, each read and hashed once."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self.sha256: dict[str, str] = {}
        allowed = [path.resolve()]
        if path.resolve().parent.name == "snapshots":
            allowed.append(path.resolve().parents[1] / "blobs")  # where the hub's cache links to
        self._allowed = tuple(allowed)

    def texts(self) -> Iterator[str]:
        """Yield the names of the files other than weights that may belong to the model."""
        for path in sorted(self._path.iterdir()):
            if path.name.endswith(_TEXT_SUFFIXES) and path.is_file():
                yield path.name

    def read(self, name: str) -> bytes:
        """Return the contents of a file.

        Raises:
            CheckpointError: It is a link out of the directory, too large, or cannot be read.
        """
        path = self._located(name)
        try:
            size = path.stat().st_size
            if size > _MAX_TEXT_BYTES:
                raise CheckpointError(
                    f"{path} has {size} bytes; at most {_MAX_TEXT_BYTES} are read of a file without tensors. "
                    "Move it out of the directory if it is no part of the model"
                )
            contents = path.read_bytes()
        except OSError as error:
            raise CheckpointError(f"{path} cannot be read: {error.strerror}") from error
        self.sha256[name] = hashlib.sha256(contents).hexdigest()
        return contents

    def tensors(self) -> dict[str, Array]:
        """Read the weights, from one file or from several.

        Raises:
            CheckpointError: There are none that can be read safely, or they are incomplete or damaged.
        """
        if (self._path / WEIGHTS).exists():
            return self._read_weights(WEIGHTS)
        if not (self._path / WEIGHTS_INDEX).exists():
            raise CheckpointError(_explain_missing_weights(self._path))
        index = self._path / WEIGHTS_INDEX
        places = _read_index(index, parse_object(self.read(WEIGHTS_INDEX), str(index)))
        tensors: dict[str, Array] = {}
        for shard in sorted(set(places.values())):
            if not (self._path / shard).exists():
                raise CheckpointError(
                    f"{self._path} lacks {shard}, which {WEIGHTS_INDEX} names: download the rest"
                )
            found = self._read_weights(shard)
            if twice := sorted(tensors.keys() & found.keys()):
                raise CheckpointError(
                    f"{self._path / shard} has {_listed(twice)}, which another file has too: save the model "
                    "again"
                )
            tensors |= found
        if missing := sorted(places.keys() - tensors.keys()):
            raise CheckpointError(
                f"{index} names {_listed(missing)}, which no file has: download or save the model again"
            )
        return tensors

    def _read_weights(self, name: str) -> dict[str, Array]:
        tensors, self.sha256[name] = read_tensors(self._located(name))
        return tensors

    def _located(self, name: str) -> Path:
        """Return the path of a file.

        Raises:
            CheckpointError: It is a link that leads out of the directory.
        """
        path = self._path / name
        target = path.resolve()
        if not any(target.is_relative_to(folder) for folder in self._allowed):
            raise CheckpointError(
                f"{path} is a link to {target}, outside of the directory: copy the file to its place"
            )
        return path


def _read_index(path: Path, index: Mapping[str, Any]) -> dict[str, str]:
    """Return the file of every tensor.

    Raises:
        CheckpointError: The index is malformed, or names a file outside of the directory.
    """
    places = index.get("weight_map")
    if not isinstance(places, dict) or not places:
        raise CheckpointError(
            f"{path} has no weight_map, the file of every tensor: download or save the model again"
        )
    for tensor, file in places.items():
        if not isinstance(file, str) or not _PLAIN_FILE.fullmatch(file):
            raise CheckpointError(
                f"{path}: {tensor} is in {file!r}; it must be a .safetensors file of the same directory"
            )
    return places


def _listed(names: list[str], n: int = 3) -> str:
    more = f" and {len(names) - n} more" if len(names) > n else ""
    return ", ".join(names[:n]) + more


def _refuse_other_paths(path: Path) -> None:
    """Raises CheckpointError: the path is no directory."""
    if path.is_dir():
        return
    if path.exists():
        raise CheckpointError(
            f"{path} is a file; name the directory with {CONFIG_FILE} and {WEIGHTS}: "
            f"seqserve import {shlex.quote(str(path.parent))}"
        )
    if _HUB_NAME.fullmatch(str(path)):
        folder = path.name
        raise CheckpointError(
            f"there is no directory {path}. If this is a name of the Hugging Face hub, download it once, with "
            f"`hf download {path} --local-dir {folder}` (pip install huggingface_hub), and run "
            f"`seqserve import {folder}`; nothing is downloaded during the import"
        )
    raise CheckpointError(f"there is no directory {path}: check the path")


def _refuse_bundle(path: Path) -> None:
    raise CheckpointError(
        f"{path} is a bundle already: serve it with `seqserve serve --bundles "
        f"{shlex.quote(str(path.parent))}`"
    )


def _refuse_adapter(path: Path) -> None:
    raise CheckpointError(
        f"{path} is an adapter (adapter_config.json) without the model that it changes: merge both with "
        "`merge_and_unload()` of peft, save the result with `save_pretrained`, and import that"
    )


_OTHER_LAYOUTS: Mapping[str, Callable[[Path], None]] = {
    "manifest.json": _refuse_bundle,
    "adapter_config.json": _refuse_adapter,
}
"""A file that a checkpoint does not have, and what refuses a directory with it."""


def _explain_missing_config(path: Path) -> str:
    """Return why a directory is no checkpoint."""
    if _CACHE.fullmatch(path.resolve().name):
        found = sorted((path / "snapshots").glob("*/"))
        which = f": seqserve import {shlex.quote(str(found[-1]))}" if found else ""
        return f"{path} is a folder of the hub's cache; name one of its snapshots{which}"
    below = sorted(one.parent.name for one in path.glob(f"*/{CONFIG_FILE}"))
    if below:
        return f"{path} has no {CONFIG_FILE}, but these folders in it have: {_listed(below)}. Name one of them"
    return (
        f"{path} has no {CONFIG_FILE}, so it is no checkpoint of transformers: name the directory that "
        "`save_pretrained` wrote"
    )


@dataclass(frozen=True)
class _OtherWeights:
    """Weights in a format that is not read.

    Args:
        pattern: Of the files' names.
        reason: Why they are not read.
        remedy: What makes a checkpoint of them; `{path}` is the directory.
    """

    pattern: str
    reason: str
    remedy: str


_CONVERT = (
    "Convert them once, if you trust them, where torch and transformers are installed: python -c "
    '"import sys, transformers as t; d = sys.argv[1]; c = t.AutoConfig.from_pretrained(d); '
    'getattr(t, c.architectures[0]).from_pretrained(d).save_pretrained(d)" {path}'
)
_OTHER_WEIGHTS = (
    _OtherWeights(
        "pytorch_model*.bin",
        "a pickle can run code when it is read, so it is not read here",
        _CONVERT,
    ),
    _OtherWeights(
        "tf_model*.h5",
        "weights of TensorFlow are not read",
        "Load them with `from_pretrained(…, from_tf=True)` of transformers 4 and save them again",
    ),
    _OtherWeights(
        "flax_model*.msgpack",
        "weights of Flax are not read",
        "Load them with `from_pretrained(…, from_flax=True)` of transformers 4 and save them again",
    ),
    _OtherWeights(
        "*.gguf",
        "its weights are quantized by another program",
        "Download the original weights in safetensors",
    ),
    _OtherWeights(
        "*.onnx",
        "graphs of other programs are not imported",
        "Download the weights in safetensors",
    ),
    _OtherWeights(
        "*.safetensors",
        f"only {WEIGHTS}, or {WEIGHTS_INDEX} with its files, is read",
        f"If one of them has the weights of this model, rename it to {WEIGHTS}",
    ),
)


def _explain_missing_weights(path: Path) -> str:
    """Return why a checkpoint has no weights that can be read."""
    for other in _OTHER_WEIGHTS:
        if found := sorted(one.name for one in path.glob(other.pattern)):
            remedy = other.remedy.replace("{path}", shlex.quote(str(path)))
            return f"{path} has {_listed(found)}, but no {WEIGHTS}; {other.reason}. {remedy}"
    return f"{path} has no {WEIGHTS}: download the weights too, or save them with `save_pretrained`"


def _refuse_kinds(
    path: Path, config: Mapping[str, Any], tokenizer_config: Mapping[str, Any]
) -> None:
    """Refuse checkpoints whose weights alone do not say what the model computes.

    Raises:
        CheckpointError: The model or its tokenizer has code of its own, or quantized weights.
    """
    for name, values in ((CONFIG_FILE, config), (TOKENIZER_CONFIG_FILE, tokenizer_config)):
        if values.get("auto_map"):
            raise CheckpointError(
                f"{path / name} has auto_map: this checkpoint needs Python code of its own, which is not run. "
                "Only models whose architecture is part of transformers are imported"
            )
    if quantization := config.get("quantization_config"):
        method = quantization.get("quant_method") if isinstance(quantization, dict) else None
        raise CheckpointError(
            f"{path / CONFIG_FILE} has quantization_config ({method or 'unknown method'}): save the model "
            "without quantization, in float32, float16 or bfloat16; the import quantizes to int8 itself"
        )
