"""Worker processes that predict batches in parallel, one per CPU: Python threads share one.

They ignore Ctrl-C, which reaches all processes of a terminal, and end with the process that started them.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from functools import cache
from multiprocessing.connection import wait
from threading import Thread
from typing import TYPE_CHECKING

from seqserve.bulk.run import Outcome, Submit
from seqserve.cli.predicting.spec import Model, PredictionSpec
from seqserve.errors import SeqserveError

if TYPE_CHECKING:
    from seqserve.cli.predicting.engines import TaskEngines

# Set in worker processes.
_specs: list[PredictionSpec] = []


@contextmanager
def workers(spec: PredictionSpec, n_workers: int) -> Iterator[tuple[Model, Submit]]:
    """Start workers, which open the engines with their first batch; end them with the block.

    Yields:
        The model, and the function that starts the prediction for a batch.

    Raises:
        BundleError: The engines cannot be opened.
        ConfigError: They do not know an option's value.
        SeqserveError: A worker died.
    """
    before = set(multiprocessing.active_children())
    context = multiprocessing.get_context("spawn")
    pool = ProcessPoolExecutor(n_workers, context, initializer=_begin, initargs=(spec,))
    try:
        yield pool.submit(_model).result(), lambda texts: pool.submit(_predict, texts)
    except BrokenProcessPool:
        raise SeqserveError(
            "a worker process died; was there not enough memory? Try fewer --workers. "
            "--resume continues where it stopped"
        ) from None
    except BaseException:
        for child in set(multiprocessing.active_children()) - before:
            child.terminate()
        raise
    finally:
        pool.shutdown(cancel_futures=True)


def _begin(spec: PredictionSpec) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    Thread(target=_end_with_parent, daemon=True).start()
    _specs.append(spec)


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        wait([parent.sentinel])
        os._exit(1)


@cache
def _engines() -> TaskEngines:
    from seqserve.cli.predicting.engines import TaskEngines

    return TaskEngines(_specs[0])


def _model() -> Model:
    return _engines().model


def _predict(texts: Sequence[str]) -> list[Outcome]:
    return _engines().predict(texts)
