"""The calls of the API as steps: the route, the fields, and how responses are read.

Both clients run these steps. Nothing here does I/O or waits.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any, Generic, TypeVar

from seqserve.choices import ModelAction
from seqserve.client.answers import (
    Answer,
    Health,
    Model,
    Receipt,
    all_from_json,
    from_json,
    outcomes_from_json,
)
from seqserve.client.batches import Batch
from seqserve.client.exchange import Answered, Send, Steps, ask, posting
from seqserve.client.policy import Deadline, Policy
from seqserve.client.problems import Reply, UnexpectedAnswer
from seqserve.errors import (
    BodyTooLarge,
    ConfigError,
    Draining,
    NotReady,
    TooManyTexts,
    UnavailableError,
)
from seqserve.model_info import Changes
from seqserve.records import (
    ClassificationResult,
    DetectionResult,
    NerResult,
    SentimentResult,
    TranslationResult,
)
from seqserve.tasks import DETECTION_PATH, TASKS

R = TypeVar("R")


@dataclass(frozen=True)
class Route(Generic[R]):
    """A prediction route.

    Args:
        path: Relative to the address of the server.
        result: The dataclass of a text's result.
    """

    path: str
    result: type[R]

    @classmethod
    def of(cls, result: type[R]) -> Route[R]:
        """Return the route of the task that has these results."""
        (path,) = (spec.path for spec in TASKS.values() if spec.result is result)
        return cls(path, result)


NER = Route.of(NerResult)
SENTIMENT = Route.of(SentimentResult)
CLASSIFY = Route.of(ClassificationResult)
TRANSLATE = Route.of(TranslationResult)
DETECT = Route(DETECTION_PATH, DetectionResult)


def given(**options: Any) -> dict[str, Any]:
    """Return the options that are set; the server has defaults for the others."""
    return {name: value for name, value in options.items() if value is not None}


@dataclass(frozen=True)
class Prediction(Generic[R]):
    """One call of a prediction route, for any number of texts.

    Args:
        route: The prediction route.
        options: The fields of the request besides the texts.
        policy: How to retry.
        deadline: The deadline of the whole call.
    """

    route: Route[R]
    options: Mapping[str, Any]
    policy: Policy
    deadline: Deadline

    def steps(self, batch: Batch) -> Steps[Answer[R]]:
        """Request the results of a batch; halve the batch if it is over a limit of the server.

        Raises:
            SeqserveError: As for `ask`.
        """
        what = posting(self.route.path, batch.body(self.options), self.policy)
        try:
            answered = yield from ask(what, self.policy, self.deadline, batch.first)
        except (TooManyTexts, BodyTooLarge):
            if len(batch.texts) == 1:
                raise
            before, after = batch.halves()
            return join([(yield from self.steps(before)), (yield from self.steps(after))])
        return _read_answer(self.route, answered, len(batch.texts))


def join(answers: Sequence[Answer[R]]) -> Answer[R]:
    """Concatenate answers, in their order."""
    return Answer(
        tuple(chain.from_iterable(answer.outcomes for answer in answers)),
        tuple(chain.from_iterable(answer.receipts for answer in answers)),
    )


def ask_models(policy: Policy, deadline: Deadline) -> Steps[tuple[Model, ...]]:
    """Request the loaded models."""
    answered = yield from ask(Send("GET", "/v1/models"), policy, deadline)
    document = _object(answered)
    return all_from_json(Model, document.get("models"), "models")


def ask_change(
    action: ModelAction, model: str | None, policy: Policy, deadline: Deadline
) -> Steps[Mapping[str, Changes]]:
    """Request a change of the loaded models; what changed, by task.

    Raises:
        ConfigError: The action needs the name of a model, or has none.
    """
    if (action == "reload") != (model is None) or model == "":
        raise ConfigError(f"{action}: name a model, as NAME or NAME@VERSION; reload takes no name")
    body = b"" if model is None else json.dumps({"model": model}).encode()
    send = Send("POST", f"/admin/models/{action}", {"Content-Type": "application/json"}, body)
    document = _object((yield from ask(send, policy, deadline)))
    changes = document.get("changes")
    if not isinstance(changes, dict):
        raise UnexpectedAnswer("200, and no changes: is this the admin port of seqserve?", 200)
    return {task: from_json(Changes, one, f"changes.{task}") for task, one in changes.items()}


def ask_health(deadline: Deadline) -> Steps[Health]:
    """Ask once whether the server accepts requests."""
    try:
        yield from ask(Send("GET", "/readyz"), Policy(attempts=1), deadline)
    except (NotReady, Draining) as error:
        return Health(False, error.code, str(error))
    return Health(True)


def ask_alive(deadline: Deadline) -> Steps[bool]:
    """Ask once whether the server process answers."""
    try:
        yield from ask(Send("GET", "/livez"), Policy(attempts=1), deadline)
    except UnavailableError:
        return False
    return True


def ask_metrics(policy: Policy, deadline: Deadline) -> Steps[str]:
    """Request the metrics."""
    answered = yield from ask(Send("GET", "/metrics"), policy, deadline)
    return answered.reply.body.decode(errors="replace")


def ask_openapi(policy: Policy, deadline: Deadline) -> Steps[Mapping[str, Any]]:
    """Request the OpenAPI document."""
    return _object((yield from ask(Send("GET", "/docs.json"), policy, deadline)))


def _object(answered: Answered) -> dict[str, Any]:
    """Parse the JSON object of a response.

    Raises:
        UnexpectedAnswer: The body is not a JSON object.
    """
    try:
        document = json.loads(answered.reply.body)
    except (ValueError, RecursionError):
        document = None
    if not isinstance(document, dict):
        raise UnexpectedAnswer("200, and no JSON object: is this the address of seqserve?", 200)
    return document


def _read_answer(route: Route[R], answered: Answered, n_texts: int) -> Answer[R]:
    document = _object(answered)
    found = from_json(_Envelope, document, "answer")
    results = outcomes_from_json(route.result, document.get("results"), "results")
    if len(results) != n_texts:
        raise UnexpectedAnswer(f"{len(results)} results for {n_texts} texts", 200)
    receipt = Receipt(
        answered.request_id,
        found.model,
        found.version,
        n_texts,
        found.usage.n_tokens,
        answered.n_attempts,
        _timings(answered.reply),
    )
    return Answer(results, (receipt,))


@dataclass(frozen=True)
class _Usage:
    n_tokens: int


@dataclass(frozen=True)
class _Envelope:
    model: str
    version: str
    usage: _Usage


_STAGE = re.compile(r"([\w-]+);dur=([0-9]+(?:\.[0-9]+)?)")


def _timings(reply: Reply) -> dict[str, float]:
    header = reply.headers.get("server-timing", "")
    return {name: float(ms) for name, ms in _STAGE.findall(header)}
