"""The predictions of the asyncio client: a method per task."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, TypeVar

from seqserve.choices import Aggregation, LineBreaks, OffsetUnit, OnBlank, TextFormat
from seqserve.client.answers import Answer
from seqserve.client.calls import CLASSIFY, DETECT, NER, SENTIMENT, TRANSLATE, Route, given
from seqserve.records import (
    ClassificationResult,
    DetectionResult,
    NerResult,
    SentimentResult,
    TranslationResult,
)

T = TypeVar("T")


class AsyncPredictions(ABC):
    """A method per task; how a call is sent is the client's."""

    @abstractmethod
    async def _predict(
        self,
        route: Route[T],
        texts: str | Iterable[str],
        options: Mapping[str, Any],
        timeout_s: float | None,
    ) -> Answer[T]:
        """Send the texts in as many requests as they need, and return all results."""

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
