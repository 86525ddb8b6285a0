"""Onnxruntime sessions, set up once for all graphs: one thread a call, no spinning."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from seqserve.bundle import Bundle


def make_session(model: bytes | Path, threads: int = 1) -> onnxruntime.InferenceSession:
    """Load a graph.

    Args:
        model: The file, or its contents.
        threads: Threads of one call. Two calls at once on one thread each compute more than one call on
            two threads, and spinning threads starve the others.
    """
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    options.log_severity_level = 3
    source = model if isinstance(model, bytes) else str(model)
    return onnxruntime.InferenceSession(
        source,
        options,
        providers=["CPUExecutionProvider"],
        disabled_optimizers=["SkipLayerNormFusion"],  # several times slower on CPUs
    )


def open_graph(bundle: Bundle, name: str) -> onnxruntime.InferenceSession:
    """Load a graph of a bundle by its file name."""
    return make_session(bundle.file(name))


def run(
    session: onnxruntime.InferenceSession, inputs: Mapping[str, NDArray[Any]]
) -> dict[str, NDArray[np.float32]]:
    """Run a graph and return all its outputs by name."""
    names = [output.name for output in session.get_outputs()]
    return dict(zip(names, session.run(names, inputs), strict=True))
