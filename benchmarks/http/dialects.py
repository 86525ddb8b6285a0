"""CPU time per request of every dialect, beside the server's own route for the same task and text."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import orjson

from benchmarks.http.load import Clients, Requests, requests_of
from benchmarks.http.overhead import UnitCost, comparison_of, cost_of, cpu_in_words
from benchmarks.http.servers import model_server
from benchmarks.http.size import HttpSize
from benchmarks.models.texts import dev_texts
from benchmarks.tools.cores import split_cores
from benchmarks.tools.tasks import NER, SENTIMENT, TRANSLATION
from benchmarks.tools.timing import Comparison
from benchmarks.tools.workspace import Report, Workspace
from loadtest.apps import APPS
from loadtest.bodies import JSON, Request
from seqserve.tasks import SHIPPED, Task

NATIVE = "native"
N_CLIENTS = 16


@dataclass(frozen=True)
class Call:
    """How a dialect is asked for a task.

    Args:
        path: Of the route.
        body: Returns the document that is sent for a text.
        headers: Besides the content type.
        content_type: Of the body.
        options: Of the server's own route, for an answer with as much in it.
    """

    path: str
    body: Callable[[str], Any]
    headers: Mapping[str, str] = field(default_factory=dict)
    content_type: str = JSON
    options: Mapping[str, Any] = field(default_factory=dict)

    @property
    def native(self) -> str:
        """The side that it is compared with."""
        return ", ".join((NATIVE, *(f"`{name}`" for name in self.options)))


def _tensor(text: str) -> Any:
    return {"inputs": [{"name": "text", "datatype": "BYTES", "shape": [1], "data": [text]}]}


def _hf(task: Task) -> Call:
    return Call(f"/hf/{task}", lambda text: {"inputs": text})


def _oip(task: Task) -> Call:
    return Call(f"/oip/v2/models/{task}/infer", _tensor)


def _aws(service: str, operation: str, body: Callable[[str], Any]) -> Call:
    headers = {"X-Amz-Target": f"{service}.{operation}"}
    return Call("/aws", body, headers, "application/x-amz-json-1.1")


def _comprehend(operation: str) -> Call:
    return _aws("Comprehend_20171127", operation, lambda text: {"Text": text, "LanguageCode": "en"})


def _azure(kind: str, **options: Any) -> Call:
    path = "/azure/language/:analyze-text?api-version=2023-04-01"
    document = {"id": "1", "language": "en"}
    return Call(
        path,
        lambda text: {"kind": kind, "analysisInput": {"documents": [{**document, "text": text}]}},
        options=options,
    )


CALLS: Mapping[Task, Mapping[str, Call]] = {
    NER: {
        "hf": _hf(NER),
        "oip": _oip(NER),
        "label-studio": Call(
            APPS["label-studio"].path,
            lambda text: APPS["label-studio"].body([text]),
            options={"alternatives": 1},
        ),
        "aws": _comprehend("DetectEntities"),
        "azure": _azure("EntityRecognition"),
    },
    SENTIMENT: {
        "hf": _hf(SENTIMENT),
        "oip": _oip(SENTIMENT),
        "aws": _comprehend("DetectSentiment"),
        "azure": _azure("SentimentAnalysis", sentences=True),
    },
    TRANSLATION: {
        "hf": _hf(TRANSLATION),
        "oip": _oip(TRANSLATION),
        "libretranslate": Call(
            "/libretranslate/translate", lambda text: {"q": text, "source": "en", "target": "zh"}
        ),
        "deepl": Call(
            "/deepl/v2/translate",
            lambda text: {"text": [text], "source_lang": "EN", "target_lang": "ZH"},
        ),
        "aws": _aws(
            "AWSShineFrontendService_20170701",
            "TranslateText",
            lambda text: {"Text": text, "SourceLanguageCode": "en", "TargetLanguageCode": "zh"},
        ),
        "google": Call(
            "/google/language/translate/v2",
            lambda text: {"q": text, "source": "en", "target": "zh", "format": "text"},
        ),
    },
}
"""What asks for the same as a request to the server's own route, by task and dialect."""


@dataclass(frozen=True)
class TaskDialects:
    """One task: times per request of the server's own route and of every dialect that has the task."""

    task: Task
    comparison: Comparison


def dialect_requests(task: Task, call: Call, texts: Sequence[str]) -> Requests:
    """Encode texts, one per request, as a dialect asks for a task."""
    return tuple(
        Request(
            task,
            orjson.dumps(call.body(text)),
            call.content_type,
            route=call.path,
            headers=call.headers,
        )
        for text in texts
    )


def measure_dialects(space: Workspace, size: HttpSize, report: Report) -> tuple[TaskDialects, ...]:
    """Send the same texts to all routes of a task in turns; the models are real."""
    cores, lines = split_cores(), []
    clients = Clients(cores.load, space.seed)
    dialects = sorted({name for calls in CALLS.values() for name in calls})
    settings = {"SEQSERVE_DIALECTS": ",".join(dialects)}
    where = (space.bundles, space.scratch, cores.served)
    with model_server(*where, "runners", settings) as server:
        for task in SHIPPED:
            texts = dev_texts(space.bundle(task), space.data, size.n_texts, space.seed)
            requests: dict[str, Requests] = {}
            for name, call in CALLS[task].items():
                requests[call.native] = requests_of(task, texts, call.options)
                requests[name] = dialect_requests(task, call, texts)
            costs: dict[str, list[UnitCost]] = {name: [] for name in requests}
            how = (N_CLIENTS, size.dialect_s, size.warm_up_s / 10)
            for _ in range(size.dialect_rounds):
                for name, sent in requests.items():
                    load = partial(clients.saturate, server, sent, *how)
                    costs[name].append(cost_of(server, load))
            lines.append(TaskDialects(task, comparison_of(costs)))
            report(cpu_in_words(task, lines[-1].comparison))
    return tuple(lines)
