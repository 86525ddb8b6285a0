"""Values of config.json and tokenizer_config.json: one of another type is refused, not ignored."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from seqserve.errors import CheckpointError
from seqserve.quoting import cut

_LARGEST_COUNT = 2**31
_MAX_LENGTH, _OPTIONS = "model_max_length", "tokenizer_config.json"


def count_of(
    config: Mapping[str, Any],
    key: str,
    default: int | None = None,
    *,
    least: int = 1,
    most: int = _LARGEST_COUNT,
) -> int:
    """Return a whole number of config.json, from `least` to `most`.

    Raises:
        CheckpointError: It is missing and has no default, or is something else.
    """
    value = config.get(key, default)
    if type(value) is not int or not least <= value <= most:
        said = f"{key} is {cut(repr(value))}" if key in config else f"{key} is missing"
        raise CheckpointError(
            f"{said} in config.json; it must be a whole number from {least} to {most}"
        )
    return value


def padding_id_of(config: Mapping[str, Any], default: int = 0) -> int:
    """Return the id of the padding symbol by config.json, the default where it names none.

    Raises:
        CheckpointError: It is no id of the vocabulary.
    """
    key = "pad_token_id"
    if config.get(key) is None:
        return default
    n_ids = config.get("vocab_size")
    most = n_ids - 1 if type(n_ids) is int else _LARGEST_COUNT
    return count_of(config, key, least=0, most=most)


def switch_of(options: Mapping[str, Any], key: str, *, default: bool = False) -> bool:
    """Return an option of tokenizer_config.json that is on or off.

    Raises:
        CheckpointError: It is not true or false.
    """
    value = options.get(key, default)
    if not isinstance(value, bool):
        raise _refusal(key, value, "true or false")
    return value


def name_of(options: Mapping[str, Any], key: str, where: str = _OPTIONS) -> str | None:
    """Return a name in a file, which may be the `content` of an object; None if there is none.

    Raises:
        CheckpointError: It is no string.
    """
    value = options.get(key)
    name = value.get("content") if isinstance(value, Mapping) else value
    if not (name is None or isinstance(name, str)) or (isinstance(value, Mapping) and name is None):
        raise _refusal(key, value, "a string", where)
    return name


def longest_input_of(options: Mapping[str, Any]) -> int | None:
    """Return the most tokens of an input by tokenizer_config.json; None if it has no limit.

    Transformers writes 1e30 where there is none.

    Raises:
        CheckpointError: It is no whole number, or less than 1.
    """
    value = options.get(_MAX_LENGTH)
    if value is None:
        return None
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    if not is_number or not value >= 1 or value != value // 1:
        raise _refusal(_MAX_LENGTH, value, "a whole number, at least 1, or be left out")
    return int(value) if value <= _LARGEST_COUNT else None


def _refusal(key: str, value: Any, allowed: str, where: str = _OPTIONS) -> CheckpointError:
    return CheckpointError(f"{key} is {cut(repr(value))} in {where}; it must be {allowed}")
