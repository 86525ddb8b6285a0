"""Both translators of a comparison with the same weights, built from a bundle.

Torch's model is restored from the bundle. If the bundle is int8, that model has the quantized weights, and
the fp32 graphs and both CTranslate2 models are made of it. CTranslate2 quantizes by rows as well, so its int8
weights equal ours, except in layers whose inputs the bundle scales.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, fields, replace
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.tools.tasks import TRANSLATION
from benchmarks.tools.workspace import Workspace
from seqserve.bundle import Bundle, write_bundle
from seqserve.config import to_mapping
from seqserve.manifest import Description, Precision
from seqserve.text.subwords import SPECIALS, SubwordTokenizer

if TYPE_CHECKING:
    from seqserve.models.transformer import Transformer


@dataclass(frozen=True)
class Sides:
    """The models of one precision.

    Args:
        ours: Bundle.
        peer: CTranslate2 model.
    """

    ours: Path
    peer: Path


@cache
def sides_of(space: Workspace) -> dict[Precision, Sides]:
    """Build both models: in fp32, and before that in int8 if the bundle is."""
    from benchmarks.models.ctranslate import convert
    from model_export.sources.restore import restore_translator

    bundle = space.bundle(TRANSLATION)
    model = restore_translator(bundle)
    precisions: tuple[Precision, ...] = ("fp32",)
    ours = {bundle.manifest.precision: bundle.path}
    if bundle.manifest.precision == "int8":
        precisions = ("int8", "fp32")
        ours["fp32"] = rewrite(bundle, "fp32", space.scratch / "ours-fp32")
    return {
        precision: Sides(ours[precision], convert(model, precision, space.scratch / precision))
        for precision in precisions
    }


def encode(bundle: Bundle, texts: list[str]) -> list[list[int]]:
    """Encode texts for a translator bundle."""
    return SubwordTokenizer.load(bundle.file("tokenizer.json")).encode_all(texts)


def rewrite(bundle: Bundle, precision: Precision, directory: Path) -> Path:
    """Write a translator bundle in another precision, in int8 without calibration."""
    from model_export.sources.restore import restore_translator

    return write_translator(restore_translator(bundle), bundle, precision, directory)


def write_translator(
    model: Transformer, like: Bundle, precision: Precision, directory: Path
) -> Path:
    """Write a bundle of a translator, in int8 without calibration.

    Args:
        model: The translator.
        like: The bundle whose subwords, recipe and description it gets.
        precision: Of the weights.
        directory: The new bundle; it must not exist.
    """
    from model_export.exporters.graphs.external import graph_files
    from model_export.exporters.graphs.translator import translator_graphs
    from model_export.exporters.graphs.weights import Weights
    from seqserve.evaluation.report import RECIPE_FILE

    weights = Weights.of(model, precision)
    graphs = translator_graphs(model.config, weights, SPECIALS.banned)
    files = graph_files({f"{name}.onnx": graph for name, graph in graphs.items()}, weights)
    files |= {name: like.file(name).read_bytes() for name in ("tokenizer.json", RECIPE_FILE)}
    config = {**like.config, "model": to_mapping(model.config)}
    files |= {"config.json": json.dumps(config).encode()}
    kept = {field.name: getattr(like.manifest, field.name) for field in fields(Description)}
    described = replace(Description(**kept), precision=precision, metrics={})
    return write_bundle(directory, files, described).path
