"""The asyncio client: several requests of a call at once; cancelling a call closes its connections."""

from __future__ import annotations

import asyncio
import math
import ssl
from collections.abc import Callable, Coroutine, Iterable, Mapping, Sequence
from types import TracebackType
from typing import Any, TypeVar

import httpx

from seqserve.choices import Aggregation, LineBreaks, ModelAction, OffsetUnit, OnBlank, TextFormat
from seqserve.client.answers import Answer, Health, Model
from seqserve.client.batches import cut
from seqserve.client.calls import (
    CLASSIFY,
    DETECT,
    NER,
    SENTIMENT,
    TRANSLATE,
    Prediction,
    Route,
    ask_alive,
    ask_change,
    ask_health,
    ask_metrics,
    ask_models,
    ask_openapi,
    given,
    join,
)
from seqserve.client.connection import Address, broken, timeout
from seqserve.client.exchange import Broken, Send, Steps, Wait
from seqserve.client.policy import Deadline, Policy
from seqserve.client.problems import Reply
from seqserve.model_info import Changes
from seqserve.records import (
    ClassificationResult,
    DetectionResult,
    NerResult,
    SentimentResult,
    TranslationResult,
)

T = TypeVar("T")


class AsyncClient:
    """Sends requests to a server, several at once if a call has many texts.

    It belongs to the event loop in which it is used first.

    Args:
        url: Address of the server, for example `http://localhost:3000`.
        api_key: Required if the server is configured with keys.
        timeout_s: Deadline of a call with all its requests and retries; `math.inf` for none.
        policy: How a call is split into requests, and how they are retried.
        verify: False accepts any certificate; or an SSL context.
        transport: Replaces the network, for tests.

    Raises:
        ConfigError: An argument is not valid.
    """

    def __init__(
        self,
        url: str,
        *,
        api_key: str | None = None,
        timeout_s: float = 60.0,
        policy: Policy | None = None,
        verify: ssl.SSLContext | bool = True,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        Deadline(timeout_s)
        self._timeout_s = timeout_s
        self._policy = policy or Policy()
        address = Address(url, api_key, verify)
        self._http = httpx.AsyncClient(**address.options(), transport=transport)

    async def ner(  # noqa: PLR0913 - one parameter an option
        self,
        texts: str | Iterable[str],
        *,
        min_score: float | None = None,
        labels: Sequence[str] | None = None,
        offset_unit: OffsetUnit | None = None,
        alternatives: int | None = None,
        aggregation: Aggregation | None = None,
        model: str | None = None,
        on_blank: OnBlank | None = None,
        partial: bool | None = None,
        timeout_s: float | None = None,
    ) -> Answer[NerResult]:
        """Find named entities.

        Args:
            texts: One text or several.
            min_score: Keep entities with at least this score, from 0 to 1; by default the model's threshold.
            labels: Keep only these labels.
            offset_unit: The unit of `start` and `end`; by default code points, as in Python strings.
            alternatives: Number of labelings to return per sentence, the most probable first.
            aggregation: How tags become entities; by default `viterbi`. Others for imported models only.
            model: The model that is to answer, `NAME` or `NAME@VERSION`; by default the server's choice.
            on_blank: `error` refuses texts without a visible character; by default their results are empty.
            partial: Whether a text that fails leaves the others their results; see `Answer.errors`.
            timeout_s: Deadline of this call, instead of the client's.

        Raises:
            SeqserveError: See docs/api.md#exceptions.
        """
        options = given(
            min_score=min_score,
            labels=labels,
            offset_unit=offset_unit,
            alternatives=alternatives,
            aggregation=aggregation,
            model=model,
            on_blank=on_blank,
            partial=partial,
        )
        return await self._predict(NER, texts, options, timeout_s)

    async def sentiment(  # noqa: PLR0913 - one parameter an option
        self,
        texts: str | Iterable[str],
        *,
        sentences: bool | None = None,
        neutral: bool | None = None,
        offset_unit: OffsetUnit | None = None,
        model: str | None = None,
        on_blank: OnBlank | None = None,
        partial: bool | None = None,
        timeout_s: float | None = None,
    ) -> Answer[SentimentResult]:
        """Classify sentiment.

        Args:
            texts: One text or several.
            sentences: Classify every sentence as well.
            neutral: Answer `neutral` as well: three labels instead of two.
            offset_unit: The unit of `start` and `end` of sentences; by default code points.
            model: The model that is to answer, `NAME` or `NAME@VERSION`; by default the server's choice.
            on_blank: `error` refuses texts without a visible character; by default their results are empty.
            partial: Whether a text that fails leaves the others their results; see `Answer.errors`.
            timeout_s: Deadline of this call, instead of the client's.

        Raises:
            SeqserveError: See docs/api.md#exceptions.
        """
        options = given(
            sentences=sentences,
            neutral=neutral,
            offset_unit=offset_unit,
            model=model,
            on_blank=on_blank,
            partial=partial,
        )
        return await self._predict(SENTIMENT, texts, options, timeout_s)

    async def classify(  # noqa: PLR0913 - one parameter an option
        self,
        texts: str | Iterable[str],
        *,
        min_score: float | None = None,
        labels: Sequence[str] | None = None,
        top: int | None = None,
        model: str | None = None,
        on_blank: OnBlank | None = None,
        partial: bool | None = None,
        timeout_s: float | None = None,
    ) -> Answer[ClassificationResult]:
        """Classify texts.

        Args:
            texts: One text or several.
            min_score: Return labels with at least this score, from 0 to 1; by default the model's threshold.
            labels: Consider only these labels; their scores stay the same.
            top: Return only the scores of the n most probable labels.
            model: The model that is to answer, `NAME` or `NAME@VERSION`; by default the server's choice.
            on_blank: `error` refuses texts without a visible character; by default their results are empty.
            partial: Whether a text that fails leaves the others their results; see `Answer.errors`.
            timeout_s: Deadline of this call, instead of the client's.

        Raises:
            SeqserveError: See docs/api.md#exceptions.
        """
        options = given(
            min_score=min_score,
            labels=labels,
            top=top,
            model=model,
            on_blank=on_blank,
            partial=partial,
        )
        return await self._predict(CLASSIFY, texts, options, timeout_s)

    async def translate(  # noqa: PLR0913 - one parameter an option
        self,
        texts: str | Iterable[str],
        *,
        source: str | None = None,
        target: str | None = None,
        beam_size: int | None = None,
        alternatives: int | None = None,
        length_penalty: float | None = None,
        max_tokens: int | None = None,
        format: TextFormat | None = None,
        glossary: Mapping[str, str] | str | None = None,
        do_not_translate: Sequence[str] | None = None,
        line_breaks: LineBreaks | None = None,
        min_score: float | None = None,
        segments: bool | None = None,
        offset_unit: OffsetUnit | None = None,
        model: str | None = None,
        on_blank: OnBlank | None = None,
        partial: bool | None = None,
        timeout_s: float | None = None,
    ) -> Answer[TranslationResult]:
        """Translate.

        Args:
            texts: One text or several.
            source: Language tag, or "auto"; may be omitted if only one loaded pair matches.
            target: Language tag; likewise.
            beam_size: 1 is greedy search.
            alternatives: Number of alternative translations, less than `beam_size`.
            length_penalty: From 0 to 5; hypotheses are ranked by log-probability / tokens ** length_penalty.
            max_tokens: Maximum number of target tokens per sentence.
            format: Of the texts: "text", "html" or "markdown".
            glossary: Terms and their targets, or the name of a glossary of the server.
            do_not_translate: Words and phrases that are copied.
            line_breaks: Whether the lines of a paragraph are one: `auto` joins those that look wrapped.
            min_score: Warn of `low_confidence` where the score of a segment is lower.
            segments: Return the segments with their spans, scores and warnings.
            offset_unit: The unit of their spans.
            model: The model that is to answer, `NAME` or `NAME@VERSION`; by default the server's choice.
            on_blank: `error` refuses texts without a visible character; by default their results are empty.
            partial: Whether a text that fails leaves the others their results; see `Answer.errors`.
            timeout_s: Deadline of this call, instead of the client's.

        Raises:
            SeqserveError: See docs/api.md#exceptions.
        """
        options = given(
            source=source,
            target=target,
            beam_size=beam_size,
            alternatives=alternatives,
            length_penalty=length_penalty,
            max_tokens=max_tokens,
            format=format,
            glossary=dict(glossary) if isinstance(glossary, Mapping) else glossary,
            do_not_translate=do_not_translate,
            line_breaks=line_breaks,
            min_score=min_score,
            segments=segments,
            offset_unit=offset_unit,
            model=model,
            on_blank=on_blank,
            partial=partial,
        )
        return await self._predict(TRANSLATE, texts, options, timeout_s)

    async def detect(
        self, texts: str | Iterable[str], *, timeout_s: float | None = None
    ) -> Answer[DetectionResult]:
        """Detect languages.

        Args:
            texts: One text or several.
            timeout_s: Deadline of this call, instead of the client's.

        Raises:
            SeqserveError: See docs/api.md#exceptions.
        """
        return await self._predict(DETECT, texts, {}, timeout_s)

    async def models(self) -> tuple[Model, ...]:
        """Return the loaded models; wait for a server that is still starting."""
        return await self._run(ask_models(self._policy, self._deadline()))

    async def change_models(
        self, action: ModelAction, model: str | None = None, *, timeout_s: float | None = None
    ) -> Mapping[str, Changes]:
        """Change the models of a running server; the client must have the address of its admin port.

        Args:
            action: `reload` the folder of the bundles, or `load` or `unload` one model.
            model: `NAME` or `NAME@VERSION`; not with `reload`.
            timeout_s: Deadline of this call, instead of the client's: loading a large model takes a while.

        Returns:
            What changed, by task.

        Raises:
            SeqserveError: See docs/api.md#exceptions.
        """
        steps = ask_change(action, model, self._policy, self._deadline(timeout_s))
        return await self._run(steps)

    async def health(self) -> Health:
        """Ask once whether the server accepts requests.

        Raises:
            ServerUnreachable: There is no answer.
        """
        return await self._run(ask_health(self._deadline()))

    async def is_alive(self) -> bool:
        """Ask once whether the server process answers."""
        return await self._run(ask_alive(self._deadline()))

    async def metrics(self) -> str:
        """Return the metrics in the Prometheus text format."""
        return await self._run(ask_metrics(self._policy, self._deadline()))

    async def openapi(self) -> Mapping[str, Any]:
        """Return the OpenAPI document."""
        return await self._run(ask_openapi(self._policy, self._deadline()))

    async def aclose(self) -> None:
        """Close the connections."""
        await self._http.aclose()

    async def __aenter__(self) -> AsyncClient:
        """Return the client; leaving the block closes it."""
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Close the connections."""
        await self.aclose()

    def _deadline(self, timeout_s: float | None = None) -> Deadline:
        return Deadline(self._timeout_s if timeout_s is None else timeout_s)

    async def _predict(
        self,
        route: Route[T],
        texts: str | Iterable[str],
        options: Mapping[str, Any],
        timeout_s: float | None,
    ) -> Answer[T]:
        batches = cut(texts, self._policy)
        call = Prediction(route, options, self._policy, self._deadline(timeout_s))
        answers: dict[int, Answer[T]] = {}
        waiting = iter(enumerate(batches))

        async def work() -> None:
            for index, batch in waiting:
                answers[index] = await self._run(call.steps(batch))

        await _together(work, min(len(batches), self._policy.concurrency))
        return join([answers[index] for index in range(len(batches))])

    async def _run(self, steps: Steps[T]) -> T:
        """Run the steps of a call."""
        outcome: Reply | Broken | None = None
        while True:
            try:
                step = steps.send(outcome)
            except StopIteration as end:
                result: T = end.value
                return result
            if isinstance(step, Wait):
                await asyncio.sleep(step.seconds)
                outcome = None
            else:
                outcome = await self._send(step)

    async def _send(self, send: Send) -> Reply | Broken:
        try:
            async with asyncio.timeout(None if math.isinf(send.timeout_s) else send.timeout_s):
                response = await self._http.request(
                    send.method,
                    send.path,
                    content=send.body or None,
                    headers=dict(send.headers),
                    timeout=timeout(send.timeout_s),
                )
        except TimeoutError:
            return Broken("the answer came too slowly", is_late=True)
        except httpx.RequestError as error:
            return broken(error)
        return Reply(response.status_code, response.headers, response.content)


async def _together(work: Callable[[], Coroutine[Any, Any, None]], n: int) -> None:
    """Run n copies of the work at once; the first error cancels the others and is raised."""
    try:
        async with asyncio.TaskGroup() as group:
            for _ in range(n):
                group.create_task(work())
    except ExceptionGroup as failed:
        raise failed.exceptions[0] from None
