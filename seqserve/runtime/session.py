"""Onnxruntime sessions, set up once for all graphs: one thread a call, no spinning."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from seqserve.bundle import Bundle
from seqserve.cpus import has_vnni
from seqserve.errors import BundleError

WEIGHTS_SUFFIX = ".safetensors"
GRAPH_SUFFIX, VNNI_SUFFIX = ".onnx", ".vnni.onnx"
"""Of a graph, and of the graph of the same name for CPUs with VNNI: same outputs, twice as fast products."""


def make_session(
    model: bytes | Path, threads: int = 1, weights: Mapping[str, bytes] | None = None
) -> onnxruntime.InferenceSession:
    """Load a graph.

    Args:
        model: The file, or its contents.
        threads: Threads of one call. Two calls at once on one thread each compute more than one call on
            two threads, and spinning threads starve the others.
        weights: Contents of the files that the graph refers to, by name. Without them, a graph that is a
            file has these beside it; onnxruntime maps them into memory, and they must not change.
    """
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    options.log_severity_level = 3
    if weights:
        options.add_external_initializers_from_files_in_memory(
            list(weights), list(weights.values()), [len(content) for content in weights.values()]
        )
    source = model if isinstance(model, bytes) else str(model)
    return onnxruntime.InferenceSession(
        source,
        options,
        providers=["CPUExecutionProvider"],
        disabled_optimizers=["SkipLayerNormFusion"],  # several times slower on CPUs
    )


def open_graphs(bundle: Bundle, names: Sequence[str]) -> list[onnxruntime.InferenceSession]:
    """Load graphs of a bundle by their file names.

    No session refers to a file: it computes with the bytes that were verified, whatever happens to the
    directory afterwards. The weights are read once for all graphs. A session keeps what it needs of them.

    Raises:
        BundleError: A file is missing, or was changed since the bundle was verified.
    """
    weights = {
        name: bundle.read(name) for name in bundle.manifest.files if name.endswith(WEIGHTS_SUFFIX)
    }
    chosen = [_graph_for_this_cpu(bundle, name) for name in names]
    return [make_session(bundle.read(name), weights=weights) for name in chosen]


def _graph_for_this_cpu(bundle: Bundle, name: str) -> str:
    """Return the name of the graph's file that is fastest here."""
    other = name.removesuffix(GRAPH_SUFFIX) + VNNI_SUFFIX
    return other if other in bundle.manifest.files and has_vnni() else name


def open_graph(bundle: Bundle, name: str) -> onnxruntime.InferenceSession:
    """Load one graph of a bundle, as `open_graphs`."""
    return open_graphs(bundle, [name])[0]


def check_width(
    bundle: Bundle, session: onnxruntime.InferenceSession, output: str, n_labels: int, what: str
) -> None:
    """Check how many numbers a graph computes per text or token.

    Args:
        bundle: That the graph is of.
        session: The graph; one whose last axis has no fixed size is not checked.
        output: The name of an output.
        n_labels: How many numbers there should be.
        what: What they stand for, for the message.

    Raises:
        BundleError: There is another number of them.
    """
    widths = [one.shape[-1] for one in session.get_outputs() if one.name == output]
    for width in widths:
        if isinstance(width, int) and width != n_labels:
            raise BundleError(
                f"{bundle.path}: the graph computes {width} numbers, and the bundle has {n_labels} {what}. "
                "Export or import the bundle again instead of editing it"
            )


def run(
    session: onnxruntime.InferenceSession, inputs: Mapping[str, NDArray[Any]]
) -> dict[str, NDArray[np.float32]]:
    """Run a graph and return all its outputs by name."""
    names = [output.name for output in session.get_outputs()]
    return dict(zip(names, session.run(names, inputs), strict=True))
