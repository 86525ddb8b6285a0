"""The search in blocks finds what sorting finds: highest first, of equal ones the lower symbol."""

from __future__ import annotations

import numpy as np
import onnxruntime
import pytest

from model_export.exporters.graphs.builder import GraphBuilder
from model_export.exporters.graphs.top_k import top_k, top_log_prob, top_log_probs
from seqserve.arrays import FloatArray
from seqserve.runtime.session import make_session

SIZES = {"a prime": 397, "few columns": 20, "no block": 2 * 401, "small": 400, "large": 10_000}


def session_of(n_symbols: int) -> onnxruntime.InferenceSession:
    g = GraphBuilder("top")
    logits, k = g.float_input("logits", "R", n_symbols), g.int_input("k", 1)
    for kind, (values, symbols) in {
        "several": top_log_probs(g, logits, n_symbols, k),
        "one": top_log_prob(g, logits, n_symbols),
        "plain": top_k(g, logits, n_symbols, k),
    }.items():
        g.output(f"{kind}.values", values, "R", kind)
        g.output(f"{kind}.symbols", symbols, "R", kind, dtype=np.int64)
    return make_session(g.build().SerializeToString())


@pytest.fixture(scope="module", params=SIZES.values(), ids=list(SIZES))
def session(request: pytest.FixtureRequest) -> onnxruntime.InferenceSession:
    return session_of(request.param)


def logits_of(kind: str, n_symbols: int) -> FloatArray:
    rng = np.random.default_rng(n_symbols)
    logits = rng.normal(scale=3, size=(9, n_symbols)).astype(np.float32)
    if kind == "ties":
        logits = np.round(logits)
    elif kind == "all equal":
        logits[:] = 0.5
    elif kind == "banned":
        logits[:, [0, 2, n_symbols - 1]] = -np.inf
    elif kind == "few left":
        logits[:, rng.permutation(n_symbols)[5:]] = -np.inf
    elif kind == "all in one block":
        logits = np.sort(logits, axis=1)
    elif kind == "far apart":
        logits *= 30
    return logits


@pytest.mark.parametrize(
    "kind",
    ["plain", "ties", "all equal", "banned", "few left", "all in one block", "far apart"],
)
@pytest.mark.parametrize("k", [1, 2, 3, 7, 8, 16])
def test_the_highest_are_found_in_order(
    session: onnxruntime.InferenceSession, k: int, kind: str
) -> None:
    n_symbols = session.get_inputs()[0].shape[1]
    logits = logits_of(kind, n_symbols)
    exact = logits.astype(np.float64) - logits.max(axis=1, keepdims=True)
    log_probs = exact - np.log(np.exp(exact).sum(axis=1, keepdims=True))
    order = np.argsort(-logits, axis=1, kind="stable")[:, :k]
    names = [output.name for output in session.get_outputs()]
    inputs = {"logits": logits, "k": np.array([k])}
    found = dict(zip(names, session.run(names, inputs), strict=True))
    assert found["several.symbols"].tolist() == order.tolist()
    assert found["one.symbols"].tolist() == order[:, :1].tolist()
    assert found["plain.symbols"].tolist() == order.tolist()
    expected = np.take_along_axis(log_probs, order, axis=1)
    np.testing.assert_allclose(found["several.values"], expected, rtol=1e-5, atol=1e-5)
    np.testing.assert_allclose(found["one.values"], expected[:, :1], rtol=1e-5, atol=1e-5)
    highest = np.take_along_axis(logits, order, axis=1)
    np.testing.assert_array_equal(found["plain.values"], highest)
