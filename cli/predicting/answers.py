"""A task's engines in this process: texts in, the API's results out.

They are opened and kept by the service's own host, so a text gets here what it gets over HTTP, the checks
and the refusals included.
"""

from __future__ import annotations

import logging
import sys
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import structlog

from cli.predicting.job import Job, Model, refusal
from seqserve.bulk.records import Refusal
from seqserve.bulk.run import Outcome
from seqserve.errors import BundleError, ConfigError, InputError
from seqserve.runtime import Engine, open_engine
from service.api.core import Plan, plan_request, requested_fields
from service.engines.host import EngineHost
from service.engines.messages import InferenceItem, InferenceResult
from service.settings import Settings

_NO_DEADLINE_S = 1e9  # a generation


def open_on_one_thread(path: Path) -> Engine:
    """Open an engine that leaves the other CPUs to other processes."""
    return open_engine(path, n_threads=1)


class Answers:
    """The engines of a job.

    Args:
        job: What is asked.

    Raises:
        BundleError: They cannot be opened.
        ConfigError: They do not know an option's value, such as a label or a language pair.
    """

    def __init__(self, job: Job) -> None:
        _keep_quiet()
        self._job = job
        self._host = EngineHost(job.name, _on_one_thread(job.settings))
        if self._host.fault is not None:
            raise BundleError(self._host.fault)
        try:
            model = self._plan([]).model
        except InputError as error:
            raise ConfigError(str(error)) from None
        self.model = Model(model.name, model.version, tuple(model.languages))

    def answer(self, texts: Sequence[str]) -> list[Outcome]:
        """Give an outcome per text, in order; a text that is refused leaves the others alone."""
        outcomes: list[Outcome] = [self._checked(text) or {} for text in texts]
        accepted = [i for i, outcome in enumerate(outcomes) if not isinstance(outcome, Refusal)]
        plan = self._plan([texts[i] for i in accepted])
        deadline = time.monotonic() + _NO_DEADLINE_S
        items = [InferenceItem("predict", plan.model.name, item, deadline) for item in plan.items]
        found = self._host.predict(items).results if items else []
        for i, one, item in zip(accepted, found, items, strict=True):
            if isinstance(one, InferenceResult):
                outcomes[i] = requested_fields(self._job.name, one, item.item)
            else:
                outcomes[i] = refusal(one)
        return outcomes

    def _checked(self, text: str) -> Refusal | None:
        try:
            self._job.request(text)
        except InputError as error:
            return refusal(error)
        return None

    def _plan(self, texts: Sequence[str]) -> Plan:
        request = replace(self._job.request("text"), texts=texts)
        return plan_request(request, self._host.status.models, self._job.settings)


def _on_one_thread(settings: Settings) -> Settings:
    """The settings, with an opener that uses one thread in the place of the default one."""
    if settings.engine_factory != Settings.model_fields["engine_factory"].default:
        return settings
    return settings.model_copy(update={"engine_factory": f"{__name__}:open_on_one_thread"})


def _keep_quiet() -> None:
    """Send the host's log to stderr, and only what is worse than an error: stdout is for answers."""
    structlog.configure(
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL),
    )
