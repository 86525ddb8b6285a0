"""A task's engines in this process: texts in, the API's results out.

The service's own engine host opens them, so a text gets the same checks and the same prediction as over HTTP.
"""

from __future__ import annotations

import logging
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import structlog

from seqserve.bulk.run import Outcome
from seqserve.cli.predicting.spec import Model, PredictionSpec, refusal
from seqserve.errors import (
    BundleError,
    ConfigError,
    InputError,
    SeqserveError,
    UnavailableError,
    UnsupportedLanguagePair,
)
from seqserve.records import AUTO
from seqserve.runtime import Engine, open_engine
from seqserve.tasks import Task
from service.api.choice import candidate_models
from service.api.core import fields_of
from service.api.detection import DetectedSource, find_sources
from service.api.dialects.native import parse_request
from service.api.plan import Plan, PredictionRequest, plan_request
from service.api.schemas import SCHEMAS
from service.api.texts import set_aside, text_error
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
        _request(spec)
    except InputError as error:
        raise ConfigError(str(error)) from None
    return spec


def _settings(spec: PredictionSpec) -> Settings:
    assert spec.settings is not None
    return spec.settings


def _request(spec: PredictionSpec) -> PredictionRequest:
    """Return a request with the options of the run.

    Raises:
        InputError: The service would refuse them.
    """
    document = {"text": "text", **spec.options}
    return parse_request(SCHEMAS[spec.task], document, _settings(spec))


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
        self._request = _request(spec)
        settings = _on_one_thread(_settings(spec).model_copy(update={"max_loaded_models": 0}))
        self._host = EngineHost(spec.task, settings, only=self._request.how.model)
        if self._host.fault is not None:
            raise BundleError(self._host.fault)
        try:
            model = self._plan([]).model
        except InputError as error:
            raise ConfigError(str(error)) from None
        except UnavailableError as error:
            raise BundleError(str(error)) from None
        self.model = Model(model.name, model.version, tuple(model.languages), model.sha256)

    def predict(self, texts: Sequence[str]) -> list[Outcome]:
        """Return an outcome per text, in order; a text that is refused does not affect the others."""
        task = self._spec.task
        plan = self._plan(texts)
        on_blank = self._request.how.on_blank
        found: dict[int, InferenceResult | SeqserveError | None] = {
            **set_aside(task, texts, on_blank, _settings(self._spec))
        }
        languages = self._detect({i: text for i, text in enumerate(texts) if i not in found})
        found |= {i: one for i, one in languages.items() if isinstance(one, SeqserveError)}
        places = [i for i in range(len(texts)) if i not in found]
        deadline = time.monotonic() + _NO_DEADLINE_S
        items = [InferenceItem("predict", plan.model.id, plan.items[i], deadline) for i in places]
        if items:
            found |= zip(places, self._host.predict(items).results, strict=True)
        outcomes: list[Outcome] = []
        for i, item in enumerate(plan.items):
            if isinstance(one := found[i], SeqserveError):
                outcomes.append(refusal(text_error(one)))
                continue
            fields = fields_of(task, one, item)
            if isinstance(language := languages.get(i), DetectedSource):
                language.add_to(fields)
            outcomes.append(fields)
        return outcomes

    def _detect(
        self, texts: Mapping[int, str]
    ) -> Mapping[int, DetectedSource | UnsupportedLanguagePair]:
        """Return the languages of texts, if they are to be detected."""
        if self._request.source != AUTO:
            return {}
        models = candidate_models(
            self._spec.task, self._request.how.model, self._host.status.models
        )
        return find_sources(texts, self._request.target, models)

    def _plan(self, texts: Sequence[str]) -> Plan:
        request = replace(self._request, texts=texts)
        if request.source == AUTO:  # one model answers a run, so one pair must match the target
            request = replace(request, source=None)
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
