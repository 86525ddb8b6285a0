"""Onnxruntime sessions, set up once for all graphs: one thread a call, no spinning."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from seqserve.bundle import Bundle

_SEPARATE_ZERO_POINTS = 3  # since this format of bundles


def make_session(
    model: bytes | Path, threads: int = 1, *, exact_int8: bool = True
) -> onnxruntime.InferenceSession:
    """Load a graph.

    On x86 CPUs without VNNI, the fast kernel for int8 weights adds pairs of products in 16 bits and
    saturates: with 8-bit activations, sums come out too small. `exact_int8` selects the kernel that does
    not. It has no effect on other CPUs.

    Args:
        model: The file, or its contents.
        threads: Threads of one call. Two calls at once on one thread each give more than one call on
            two threads, and spinning threads starve the others.
        exact_int8: Never saturate. The LSTMs of bundles of format 2 share one zero point between two
            inputs, and onnxruntime cannot load them so.

    Source: onnxruntime documentation, "Quantize ONNX models", on U8S8 saturation.
    """
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    options.add_session_config_entry("session.x64quantprecision", str(int(exact_int8)))
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
    exact_int8 = bundle.manifest.format_version >= _SEPARATE_ZERO_POINTS
    return make_session(bundle.file(name), exact_int8=exact_int8)


def run(
    session: onnxruntime.InferenceSession, inputs: Mapping[str, NDArray[Any]]
) -> dict[str, NDArray[np.float32]]:
    """Run a graph; gives all its outputs by name."""
    names = [output.name for output in session.get_outputs()]
    return dict(zip(names, session.run(names, inputs), strict=True))
