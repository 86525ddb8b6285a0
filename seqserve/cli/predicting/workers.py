"""Processes that answer batches side by side, one for each CPU: Python computes on one at a time.

They ignore Ctrl-C, which reaches all processes of a terminal, and end when the process that started them does.
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
from seqserve.cli.predicting.job import Job, Model
from seqserve.errors import SeqserveError

if TYPE_CHECKING:
    from seqserve.cli.predicting.answers import Answers

_jobs: list[Job] = []  # of this process, once it is a worker


@contextmanager
def workers(job: Job, n_workers: int) -> Iterator[tuple[Model, Submit]]:
    """Start workers, which open the engines when they get their first batch; end them with the block.

    Yields:
        The model, and what takes batches.

    Raises:
        BundleError: The engines cannot be opened.
        ConfigError: They do not know an option's value.
        SeqserveError: A worker died.
    """
    before = set(multiprocessing.active_children())
    context = multiprocessing.get_context("spawn")
    pool = ProcessPoolExecutor(n_workers, context, initializer=_begin, initargs=(job,))
    try:
        yield pool.submit(_model).result(), lambda texts: pool.submit(_answer, texts)
    except BrokenProcessPool:
        raise SeqserveError(
            "a worker process died; was there not enough memory? Try fewer --workers. "
            "--resume goes on where it stopped"
        ) from None
    except BaseException:
        for child in set(multiprocessing.active_children()) - before:
            child.terminate()
        raise
    finally:
        pool.shutdown(cancel_futures=True)


def _begin(job: Job) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    Thread(target=_end_with_parent, daemon=True).start()
    _jobs.append(job)


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        wait([parent.sentinel])
        os._exit(1)


@cache
def _answers() -> Answers:
    from seqserve.cli.predicting.answers import Answers  # brings onnxruntime in

    return Answers(_jobs[0])


def _model() -> Model:
    return _answers().model


def _answer(texts: Sequence[str]) -> list[Outcome]:
    return _answers().answer(texts)
