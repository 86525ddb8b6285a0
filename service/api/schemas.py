"""The JSON of the API as pydantic models: what is accepted, what comes back, what the OpenAPI page shows.

Limits that an operator can change (body, texts, characters) are checked in tasks.py, since they
answer 413.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, FailFast, Field, WithJsonSchema
from pydantic_core import ErrorDetails, PydanticCustomError


def _as_list(value: object) -> object:
    return [value] if isinstance(value, str) else value


def _not_blank(value: object) -> object:
    """A text with nothing to read is the caller's mistake: refused by all tasks alike."""
    if isinstance(value, str) and (not value or value.isspace()):
        raise PydanticCustomError("blank_text", "is empty or only white space")
    return value


Text = Annotated[str, BeforeValidator(_not_blank)]
Texts = Annotated[
    Annotated[list[Text], FailFast()],  # a body can hold a million mistakes
    BeforeValidator(_as_list),
    Field(min_length=1),
    WithJsonSchema(
        {
            "title": "Text",
            "description": "One text, or a list of texts; none of them empty or only white space.",
            "anyOf": [
                {"type": "string", "minLength": 1},
                {"type": "array", "items": {"type": "string", "minLength": 1}, "minItems": 1},
            ],
        }
    ),
]
Language = Annotated[str, Field(pattern=r"^[A-Za-z]{2,8}(-[A-Za-z0-9]{1,8})*$", max_length=35)]
Probability = Annotated[float, Field(ge=0, le=1)]


class _Request(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, allow_inf_nan=False)

    text: Texts


class NerRequest(_Request):
    """Texts to find names in."""

    min_score: Probability = Field(
        default=0.0, description="Keep entities with at least this score."
    )
    labels: list[str] | None = Field(
        default=None,
        min_length=1,
        max_length=100,
        description="Keep only these labels.",
    )
    offset_unit: Literal["codepoint", "utf16", "byte"] = Field(
        default="codepoint", description="What `start` and `end` count."
    )


class SentimentRequest(_Request):
    """Texts to judge."""

    sentences: bool = Field(default=False, description="Judge every sentence as well.")


class TranslateRequest(_Request):
    """Texts to translate."""

    source: Language | None = Field(
        default=None, description="May be left out where one pair fits."
    )
    target: Language | None = Field(
        default=None, description="May be left out where one pair fits."
    )
    beam_size: int = Field(default=4, ge=1, le=8, description="1 is greedy search.")
    alternatives: int = Field(default=0, ge=0, le=7, description="At most beam_size - 1.")
    length_penalty: float = Field(default=1.0, ge=0, le=5)
    max_tokens: int | None = Field(
        default=None, ge=1, description="Cap on target tokens per sentence."
    )


class _Response(BaseModel):
    model_config = ConfigDict(extra="forbid")


class Entity(_Response):
    """A name; `text` is what stands between `start` and `end`."""

    text: str
    label: str
    start: int
    end: int
    score: Probability


class NerResult(_Response):
    """The names in one text, in text order."""

    entities: list[Entity]


class SentenceSentiment(_Response):
    """The verdict on one sentence; offsets are code points of the whole text."""

    text: str
    start: int
    end: int
    label: str
    score: Probability


class SentimentResult(_Response):
    """The likeliest label, and the probability of every label."""

    label: str
    score: Probability
    scores: dict[str, Probability]
    sentences: list[SentenceSentiment] = Field(
        default_factory=list, description="Only when asked for."
    )


class Alternative(_Response):
    """A runner-up translation."""

    text: str
    score: float


class TranslationResult(_Response):
    """A translation; `score` is the mean log-probability per target token."""

    text: str
    score: float
    warnings: list[Literal["truncated", "number_mismatch", "repetition", "untranslated"]]
    alternatives: list[Alternative] = Field(
        default_factory=list, description="Only when asked for."
    )


class Usage(_Response):
    """What the request cost."""

    n_texts: int
    n_tokens: int


class _Answer(_Response):
    model: str
    version: str
    usage: Usage


class NerAnswer(_Answer):
    """One result per text, in the order of the texts."""

    results: list[NerResult]


class SentimentAnswer(_Answer):
    """One result per text, in the order of the texts."""

    results: list[SentimentResult]


class TranslateAnswer(_Answer):
    """One result per text, in the order of the texts."""

    results: list[TranslationResult]


class ModelCard(_Response):
    """One loaded bundle."""

    name: str
    task: Literal["ner", "sentiment", "translation"]
    languages: list[str] = Field(description="For translation: source, target.")
    labels: list[str]
    version: str
    sha256: str
    limits: dict[str, Any]
    precision: str
    metrics: dict[str, Any] = Field(description="Quality figures of the model card.")


class Models(_Response):
    """All loaded bundles."""

    models: list[ModelCard]


class Health(_Response):
    """The server's state."""

    status: Literal["alive", "ready"]


class Problem(_Response):
    """Any error, RFC 9457."""

    type: Literal["about:blank"]
    title: str
    status: int
    code: str
    detail: str
    request_id: str


_LENGTHS = {"too_short": "must not be an empty list", "too_long": "must have at most 100 values"}


def describe_fault(fault: ErrorDetails, fields: Sequence[str]) -> str:
    """One sentence on one pydantic error: the field, and what is allowed; never the value.

    Args:
        fault: An element of `ValidationError.errors()`.
        fields: The fields that the request may have.
    """
    path = ""
    for part in fault["loc"]:
        path += f"[{part}]" if isinstance(part, int) else f"{'.' if path else ''}{part}"
    if fault["type"] == "extra_forbidden":
        return f"{path[:40]!a} is no option of this route; there are: {', '.join(fields)}."
    if fault["type"] == "blank_text":
        return f"{path} {fault['msg']}."
    if not path:
        return f"The body must be a JSON object with: {', '.join(fields)}."
    if fault["type"] == "list_type" and path == "text":
        return "text: must be a string or a list of strings."
    if fault["type"] in _LENGTHS:
        return f"{path}: {_LENGTHS[fault['type']]}."
    return f"{path}: {fault['msg'].removeprefix('Input ')}."
