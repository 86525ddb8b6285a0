"""The requests of Azure AI Language: a kind of analysis, documents, and the parameters of the kind."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal, TypeAlias

from pydantic import BaseModel, ConfigDict, Field

from seqserve.choices import OffsetUnit

StringIndexType: TypeAlias = Literal["TextElements_v8", "UnicodeCodePoint", "Utf16CodeUnit"]
UNITS: Mapping[StringIndexType, OffsetUnit] = {
    "TextElements_v8": "grapheme",
    "UnicodeCodePoint": "codepoint",
    "Utf16CodeUnit": "utf16",
}
LATEST = "latest"

Categories: TypeAlias = Annotated[list[Annotated[str, Field(max_length=64)]], Field(max_length=300)]
"""Names of categories; more than there are would only be repeated in warnings."""

_LENIENT = ConfigDict(strict=True, frozen=True, extra="ignore")
# A parameter that has no effect would be an answer to another request.
_EXACT = ConfigDict(strict=True, frozen=True, extra="forbid")


class Document(BaseModel):
    """A text, with an id that is unique in the request."""

    model_config = _LENIENT
    id: str = Field(min_length=1)
    text: str
    language: str | None = None


class AnalysisInput(BaseModel):
    """The documents."""

    model_config = _LENIENT
    documents: list[Document] = Field(min_length=1)


class AnalyzeText(BaseModel):
    """The body of a request."""

    model_config = _LENIENT
    kind: str
    analysisInput: AnalysisInput
    parameters: dict[str, Any] | None = None


class Parameters(BaseModel):
    """The parameters of every kind; nothing of a text is logged in any case."""

    model_config = _EXACT
    modelVersion: str = Field(default=LATEST, min_length=1)
    loggingOptOut: bool | None = None
    stringIndexType: StringIndexType | None = None


class OverlapPolicy(BaseModel):
    """What is done with entities that overlap; those of a model never do."""

    model_config = _EXACT
    policyKind: Literal["matchLongest"]


class EntityParameters(Parameters):
    """Those of EntityRecognition."""

    inclusionList: Categories | None = None
    exclusionList: Categories | None = None
    overlapPolicy: OverlapPolicy | None = None


class SentimentParameters(Parameters):
    """Those of SentimentAnalysis."""

    opinionMining: bool = False


class RedactionPolicy(BaseModel):
    """How some categories are redacted, or all."""

    model_config = _EXACT
    policyKind: Literal["characterMask", "entityMask", "noMask"] = "characterMask"
    policyName: str | None = None
    entityTypes: Categories | None = None
    isDefault: bool | None = None
    # Another name of the same.
    isDefaultPolicy: bool | None = None
    redactionCharacter: Literal[tuple("!#$%&*+-=?@^_~")] = "*"  # type: ignore[valid-type]
    unmaskLength: int = Field(default=0, ge=0)
    unmaskFromEnd: bool = True

    @property
    def is_default(self) -> bool:
        """Whether the categories that no policy names are redacted like this."""
        return bool(self.isDefault or self.isDefaultPolicy)


class ValueExclusionPolicy(BaseModel):
    """Texts that are no personal data."""

    model_config = _EXACT
    caseSensitive: bool = False
    excludedValues: list[str]


class PiiParameters(Parameters):
    """Those of PiiEntityRecognition."""

    domain: Literal["none", "phi"] = "none"
    piiCategories: Categories | None = None
    excludePiiCategories: Categories | None = None
    redactionPolicies: list[RedactionPolicy] | None = Field(default=None, max_length=300)
    redactionPolicy: RedactionPolicy | None = None
    valueExclusionPolicy: ValueExclusionPolicy | None = None
