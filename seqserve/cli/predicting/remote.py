"""Prediction by a server: batches as concurrent requests; a batch with a bad text is split."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import is_dataclass
from multiprocessing.pool import ThreadPool
from typing import Any

from seqserve import errors
from seqserve.bulk.run import Outcome, Submit
from seqserve.cli.predicting.spec import Model, PredictionSpec, refusal, refusal_of
from seqserve.client import Client, Receipt
from seqserve.client.problems import error_of_text
from seqserve.errors import ConfigError, InputError, SeqserveError, UnavailableError
from seqserve.records import AUTO, TextError, api_fields
from seqserve.tasks import TASKS

N_REQUESTS = 4  # at a time
_PROBE = "Is this allowed?"
_OF_THE_RUN = (
    *(errors.MissingKey, errors.UnknownKey, errors.NotFound, errors.MethodNotAllowed),
    errors.UnknownModel,
    *(errors.UnsupportedMediaType, errors.UnsupportedLanguagePair, errors.InvalidJson),
)


@contextmanager
def server(
    spec: PredictionSpec, client: Client, url: str, n_requests: int
) -> Iterator[tuple[Model, Submit]]:
    """Let a server predict, after checking that it accepts the options.

    Yields:
        The model, and the function that starts the prediction for a batch.

    Raises:
        ConfigError: It does not accept the options.
        SeqserveError: It cannot be reached, requires a key, or fails for a reason other than a text.
    """
    pool = ThreadPool(n_requests)  # daemon threads: a server that hangs does not block the exit
    call = _method(spec, client)

    def ask(texts: Sequence[str]) -> list[Outcome]:
        found = call(texts, **spec.options, partial=True)
        for receipt in found.receipts:
            if (receipt.model, receipt.version) != (model.name, model.version):
                raise SeqserveError(
                    f"{url} has loaded another model, {receipt.model} {receipt.version}, after "
                    f"{model.name} {model.version}: write to another file"
                )
        return [_outcome(spec, index, one) for index, one in enumerate(found.outcomes)]

    def submit(texts: Sequence[str]) -> Future[list[Outcome]]:
        found: Future[list[Outcome]] = Future()
        pool.apply_async(answer, (ask, texts), {}, found.set_result, found.set_exception)
        return found

    try:
        model = _model(client, call([_PROBE], **_probed(spec)).receipts[0])
        yield model, submit
    except (errors.MissingKey, errors.UnknownKey):
        raise
    except errors.UnavailableError as error:
        raise SeqserveError(f"{url} does not answer: {error}. --resume continues later") from None
    except InputError as error:  # from the probe; `answer` raises no other
        raise ConfigError(str(error)) from None
    finally:
        pool.terminate()
        client.close()


def _method(spec: PredictionSpec, client: Client) -> Callable[..., Any]:
    """Return the client's method for the task; it is named as the command."""
    method: Callable[..., Any] = getattr(client, TASKS[spec.task].command)
    return method


def _model(client: Client, receipt: Receipt) -> Model:
    """Return the model that answered.

    Raises:
        SeqserveError: The server has just loaded another one.
    """
    for model in client.models():
        if (model.name, model.version) == (receipt.model, receipt.version):
            return Model(model.name, model.version, model.languages, model.sha256)
    raise SeqserveError(f"the server is loading another model than {receipt.model}: try again")


def _outcome(spec: PredictionSpec, index: int, outcome: Any) -> Outcome:
    """Return the outcome of one text.

    Raises:
        UnavailableError: The server had no time for it.
    """
    if not isinstance(outcome, TextError):
        return _requested(spec, _plain(outcome))
    error = error_of_text(outcome, index)
    if isinstance(error, UnavailableError):
        raise error
    return refusal(outcome)


def answer(ask: Callable[[Sequence[str]], list[Outcome]], texts: Sequence[str]) -> list[Outcome]:
    """Return an outcome per text, in order.

    Args:
        ask: Returns an outcome per text, or raises.
        texts: A batch.

    Raises:
        SeqserveError: A fault that no text causes; it ends the run.
    """
    try:
        return list(ask(texts))
    except SeqserveError as error:
        is_texts_fault = isinstance(error, InputError) and (
            not isinstance(error, _OF_THE_RUN) or _is_in_another_language(error)
        )
        if not is_texts_fault and type(error) is not SeqserveError:
            raise
        if len(texts) == 1:
            return [refusal_of(error)]
        bad = error.text_index
    middle = len(texts) // 2
    cuts = (middle, middle) if bad is None else (bad, bad + 1)
    parts = (texts[: cuts[0]], texts[cuts[0] : cuts[1]], texts[cuts[1] :])
    return [outcome for part in parts if part for outcome in answer(ask, part)]


def _probed(spec: PredictionSpec) -> dict[str, Any]:
    """Return the options without a source that is to be detected: the probe may be in another language."""
    options = dict(spec.options)
    if options.get("source") == AUTO:
        del options["source"]
    return options


def _is_in_another_language(error: InputError) -> bool:
    """Return whether the detected language of one text is not served."""
    return isinstance(error, errors.UnsupportedLanguagePair) and error.text_index is not None


def _requested(spec: PredictionSpec, result: Mapping[str, Any]) -> dict[str, Any]:
    """Return the fields of a result that the server's answer had."""
    task = TASKS[spec.task]
    fields = task.requested(result, spec.options)
    return {
        name: value
        for name, value in fields.items()
        if value is not None or name not in task.optional_parts
    }


def _plain(value: Any) -> Any:
    """Convert a result of the client to JSON types."""
    if is_dataclass(value):
        return {one.name: _plain(getattr(value, one.name)) for one in api_fields(type(value))}
    if isinstance(value, Mapping):
        return dict(value)
    return [_plain(one) for one in value] if isinstance(value, tuple) else value
