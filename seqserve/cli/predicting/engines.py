"""A task's engines in this process: texts in, the API's results out.

The service's own engine host opens them, so a text gets the same checks and the same prediction as over HTTP.
"""

from __future__ import annotations

import logging
import sys
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import structlog

from seqserve.bulk.records import Refusal
from seqserve.bulk.run import Outcome
from seqserve.cli.predicting.spec import Model, PredictionSpec, refusal
from seqserve.errors import BundleError, ConfigError, InputError
from seqserve.runtime import Engine, open_engine
from seqserve.tasks import Task
from service.api.core import Plan, PredictionRequest, check_texts, plan_request, requested_fields
from service.api.dialects.native import parse_request
from service.api.schemas import SCHEMAS
from service.engines.host import EngineHost
from service.engines.messages import InferenceItem, InferenceResult
from service.settings import Settings, load_settings

_NO_DEADLINE_S = 1e9  # 32 years


def local_spec(task: Task, options: dict[str, Any], bundles: Path | None) -> PredictionSpec:
    """Return what is to be predicted on this machine.

    Args:
        task: The task.
        options: Options of the task that are set, by their names in the API.
        bundles: Folder of bundles; that of the settings if None.

    Raises:
        ConfigError: An option or a setting is invalid.
    """
    settings = load_settings()
    if bundles is not None:
        settings = settings.model_copy(update={"bundles_dir": bundles})
    spec = PredictionSpec(task, options, settings.max_body_bytes, settings)
    try:
        _request(spec, "text")
    except InputError as error:
        raise ConfigError(str(error)) from None
    return spec


def _settings(spec: PredictionSpec) -> Settings:
    assert spec.settings is not None
    return spec.settings


def _request(spec: PredictionSpec, text: str) -> PredictionRequest:
    """Return the request with one text.

    Raises:
        InputError: The service would refuse it.
    """
    document = {"text": text, **spec.options}
    request = parse_request(SCHEMAS[spec.task], document, _settings(spec))
    check_texts(request.texts, _settings(spec))
    return request


def open_on_one_thread(path: Path) -> Engine:
    """Open an engine that leaves the other CPUs to other processes."""
    return open_engine(path, n_threads=1)


class TaskEngines:
    """The engines of a task.

    Args:
        spec: The task and its options.

    Raises:
        BundleError: They cannot be opened.
        ConfigError: They do not know an option's value, such as a label or a language pair.
    """

    def __init__(self, spec: PredictionSpec) -> None:
        _log_to_stderr()
        self._spec = spec
        self._host = EngineHost(spec.task, _on_one_thread(_settings(spec)))
        if self._host.fault is not None:
            raise BundleError(self._host.fault)
        try:
            model = self._plan([]).model
        except InputError as error:
            raise ConfigError(str(error)) from None
        self.model = Model(model.name, model.version, tuple(model.languages), model.sha256)

    def predict(self, texts: Sequence[str]) -> list[Outcome]:
        """Return an outcome per text, in order; a text that is refused does not affect the others."""
        outcomes: list[Outcome] = [self._check(text) or {} for text in texts]
        accepted = [i for i, outcome in enumerate(outcomes) if not isinstance(outcome, Refusal)]
        plan = self._plan([texts[i] for i in accepted])
        deadline = time.monotonic() + _NO_DEADLINE_S
        items = [InferenceItem("predict", plan.model.name, item, deadline) for item in plan.items]
        found = self._host.predict(items).results if items else []
        for i, one, item in zip(accepted, found, items, strict=True):
            if isinstance(one, InferenceResult):
                outcomes[i] = requested_fields(self._spec.task, one, item.item)
            else:
                outcomes[i] = refusal(one)
        return outcomes

    def _check(self, text: str) -> Refusal | None:
        try:
            _request(self._spec, text)
        except InputError as error:
            return refusal(error)
        return None

    def _plan(self, texts: Sequence[str]) -> Plan:
        request = replace(_request(self._spec, "text"), texts=texts)
        return plan_request(request, self._host.status.models, _settings(self._spec))


def _on_one_thread(settings: Settings) -> Settings:
    """Return the settings with an opener that uses one thread instead of the default opener."""
    if settings.engine_factory != Settings.model_fields["engine_factory"].default:
        return settings
    return settings.model_copy(update={"engine_factory": f"{__name__}:open_on_one_thread"})


def _log_to_stderr() -> None:
    """Send the host's critical messages to standard error: standard output is for predictions."""
    structlog.configure(
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL),
    )
