"""Read the JSON of answers into frozen dataclasses; fields that a newer server adds are left out.

The results themselves are those of `seqserve.records`.
"""

from __future__ import annotations

import types
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import MISSING, dataclass, field, is_dataclass
from functools import cache
from typing import (
    Any,
    Generic,
    Literal,
    TypeAlias,
    TypeVar,
    Union,
    get_args,
    get_origin,
    get_type_hints,
    overload,
)

from seqserve.client.problems import UnexpectedAnswer, error_of_text
from seqserve.model_info import ModelInfo
from seqserve.records import FailedText, TextError, api_fields

R = TypeVar("R")

_UNIONS = (types.UnionType, Union)  # `Literal["a"] | None` is the latter

Model: TypeAlias = ModelInfo


@dataclass(frozen=True)
class Health:
    """Whether the server accepts requests; if not, the code and the reason of the error."""

    is_ready: bool
    code: str = ""
    detail: str = ""


@dataclass(frozen=True)
class Receipt:
    """One request of a call, and the model that answered it.

    Args:
        request_id: The id in the server's log.
        model: Name of the bundle.
        version: Of the bundle.
        n_texts: Texts in this request.
        n_tokens: Tokens that the model read.
        n_attempts: How often the request was sent.
        timings_ms: Milliseconds by stage, from `Server-Timing`.
    """

    request_id: str
    model: str
    version: str
    n_texts: int
    n_tokens: int
    n_attempts: int
    timings_ms: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Answer(Sequence[R], Generic[R]):
    """A sequence of results: one per text, in the order of the texts.

    With `partial=True`, a text may have an error instead of a result. Who takes its result by index or
    iteration gets that error as an exception; `outcomes` and `errors` are for those who expect it.

    Args:
        outcomes: Per text its result, or why it has none.
        receipts: One per request that the texts were sent in, in order.
    """

    outcomes: tuple[R | TextError, ...]
    receipts: tuple[Receipt, ...]

    @overload
    def __getitem__(self, index: int) -> R: ...

    @overload
    def __getitem__(self, index: slice) -> tuple[R, ...]: ...

    def __getitem__(self, index: int | slice) -> R | tuple[R, ...]:
        """Return the result of one text, or the results of several.

        Raises:
            SeqserveError: One of them has an error instead.
        """
        if isinstance(index, slice):
            return tuple(self._result(i) for i in range(len(self))[index])
        return self._result(range(len(self))[index])

    def _result(self, index: int) -> R:
        outcome = self.outcomes[index]
        if isinstance(outcome, TextError):
            raise error_of_text(outcome, index)
        return outcome

    def __len__(self) -> int:
        """Return the number of texts."""
        return len(self.outcomes)

    def __iter__(self) -> Iterator[R]:
        """Iterate over the results in order.

        Raises:
            SeqserveError: The next text has an error instead.
        """
        return map(self._result, range(len(self)))

    @property
    def results(self) -> tuple[R, ...]:
        """All results.

        Raises:
            SeqserveError: A text has an error instead.
        """
        return tuple(self)

    @property
    def errors(self) -> Mapping[int, TextError]:
        """The errors of the texts that have no result, by index; without `partial=True`, there are none."""
        return {i: one for i, one in enumerate(self.outcomes) if isinstance(one, TextError)}

    @property
    def n_tokens(self) -> int:
        """The number of tokens that the model read."""
        return sum(receipt.n_tokens for receipt in self.receipts)


def from_json(kind: type[R], value: Any, where: str) -> R:
    """Read a JSON value into a dataclass.

    Args:
        kind: A dataclass. Its fields are dataclasses, `tuple[X, ...]`, mappings from names, or plain types.
        value: The JSON value.
        where: Its place in the response, for error messages.

    Raises:
        UnexpectedAnswer: A field is missing or has another type.
    """
    read: R = _read(kind, value, where)
    return read


def outcomes_from_json(kind: type[R], values: Any, where: str) -> tuple[R | TextError, ...]:
    """Read a JSON list of results, and of errors of texts, as `from_json` does."""
    return tuple(
        from_json(FailedText, one, f"{where}[{index}]").error
        if isinstance(one, dict) and "error" in one
        else from_json(kind, one, f"{where}[{index}]")
        for index, one in enumerate(_expect(list, values, where))
    )


def all_from_json(kind: type[R], values: Any, where: str) -> tuple[R, ...]:
    """Read a JSON list into dataclasses, as `from_json` does."""
    read: tuple[R, ...] = _read(tuple[kind, ...], values, where)  # type: ignore[valid-type]
    return read


def _read(kind: Any, value: Any, where: str) -> Any:
    kind = _without_none(kind, value)
    origin = get_origin(kind)
    is_optional = origin in _UNIONS
    if kind is Any or (is_optional and value is None):
        return value
    if is_optional:
        kind = get_args(kind)[0]
    if isinstance(kind, type) and is_dataclass(kind):
        return _read_record(kind, _expect(dict, value, where), where)
    if origin is tuple:
        item = get_args(kind)[0]
        listed = enumerate(_expect(list, value, where))
        return tuple(_read(item, one, f"{where}[{index}]") for index, one in listed)
    if origin is Mapping:
        named = _expect(dict, value, where).items()
        item = get_args(kind)[1]
        read = {name: _read(item, one, f"{where}.{name}") for name, one in named}
        return types.MappingProxyType(read)
    if kind is float and type(value) is int:
        return float(value)
    return _expect(
        str if origin is Literal else kind, value, where
    )  # a newer server may have more values


def _without_none(kind: Any, value: Any) -> Any:
    """Return the type of a value: of `X | None`, X unless the value is None."""
    if get_origin(kind) not in _UNIONS:
        return kind
    return Any if value is None else get_args(kind)[0]


def _expect(kind: type, value: Any, where: str) -> Any:
    if type(value) is not kind:
        raise UnexpectedAnswer(
            f"{where} is {type(value).__name__}, and should be {kind.__name__}. "
            "Is this a seqserve server of a version that fits this client?"
        )
    return value


def _read_record(kind: type, found: Mapping[str, Any], where: str) -> Any:
    values = {}
    for name, (hint, is_optional) in _fields_of(kind).items():
        if name in found:
            values[name] = _read(hint, found[name], f"{where}.{name}")
        elif not is_optional:
            raise UnexpectedAnswer(f"{where} has no {name}. Is this a seqserve server?")
    return kind(**values)


@cache
def _fields_of(kind: Any) -> dict[str, tuple[Any, bool]]:
    """Return per field its type and whether it is optional."""
    hints = get_type_hints(kind)
    read = api_fields(kind)
    return {
        one.name: (
            hints[one.name],
            one.default is not MISSING or one.default_factory is not MISSING,
        )
        for one in read
    }
