"""What is wrong with a request, in sentences: fields and what is allowed, never values."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from difflib import get_close_matches

from pydantic_core import ErrorDetails

from seqserve.quoting import cut

MAX_FAULTS = 10

_LANGUAGE = "must be a language tag such as 'en' or 'zh'"
_RULES: Mapping[tuple[str, str], str] = {
    ("string_pattern_mismatch", "source"): _LANGUAGE,
    ("string_pattern_mismatch", "target"): _LANGUAGE,
}
"""What is said of a fault in a field, where pydantic's own words would not help."""

_EXPECTED: Mapping[str, str] = {
    "string_type": "a string",
    "bool_type": "true or false",
    "int_type": "a whole number",
    "int_from_float": "a whole number",
    "float_type": "a number",
    "list_type": "a list",
    "dict_type": "an object",
    "model_type": "an object",
    "literal_error": "",
}
"""What pydantic expects, by the fault of a value of another type; empty: as pydantic says it."""
_EXPECTED_IN: Mapping[str, str] = dict.fromkeys(("text", "q"), "a string or a list of strings")
"""The same for a field that takes a list, or one of its values."""
_JSON_TYPES: Mapping[type, str] = {
    type(None): "null",
    bool: "a boolean",
    int: "a number",
    float: "a number",
    str: "a string",
    list: "a list",
    dict: "an object",
}
_RULES_OF_FIELDS: Mapping[str, str] = {
    "glossary": "must be an object of terms and their targets, all of them strings, or the name of a glossary",
}
"""What is said of any fault in a field of several types, or in a part of it."""

_NAMES_ELSEWHERE: Mapping[str, str] = {
    **dict.fromkeys(("q", "inputs", "input", "documents", "sequences", "content"), "text"),
    **dict.fromkeys(("from", "source_lang", "src_lang", "sl"), "source"),
    **dict.fromkeys(("to", "target_lang", "tgt_lang", "tl"), "target"),
    **dict.fromkeys(("num_beams", "beams"), "beam_size"),
    **dict.fromkeys(("num_return_sequences", "n_best"), "alternatives"),
    **dict.fromkeys(("max_length", "max_new_tokens"), "max_tokens"),
    **dict.fromkeys(("threshold",), "min_score"),
    **dict.fromkeys(("entities", "types"), "labels"),
    **dict.fromkeys(("aggregation_strategy", "grouped_entities"), "aggregation"),
}
"""Fields of other APIs, with the fields of this one that mean the same."""


def describe_faults(faults: Sequence[ErrorDetails], fields: Sequence[str]) -> str:
    """Describe the faults of a request: unknown fields first, at most `MAX_FAULTS`, then their number.

    Args:
        faults: What pydantic's `ValidationError.errors()` returns.
        fields: The fields of the route.
    """
    unknown = [fault for fault in faults if _is_unknown(fault)]
    others = [fault for fault in faults if not _is_unknown(fault)]
    described = [_describe_unknown(str(one["loc"][0]), fields) for one in unknown[:MAX_FAULTS]]
    if unknown:
        described.append(f"Fields of this route: {', '.join(fields)}.")
    n_left = MAX_FAULTS - min(len(unknown), MAX_FAULTS)
    described += dict.fromkeys(describe_fault(one, fields) for one in others[:n_left])
    if len(faults) > MAX_FAULTS:
        described.append(f"Further faults: {len(faults) - MAX_FAULTS}.")
    return " ".join(described)


def _is_unknown(fault: ErrorDetails) -> bool:
    """Return whether the fault is a field that the route does not have."""
    return fault["type"] == "extra_forbidden" and len(fault["loc"]) == 1


def _describe_unknown(name: str, fields: Sequence[str]) -> str:
    shown = cut(name)
    meant = _NAMES_ELSEWHERE.get(name)
    close = [meant] if meant in fields else get_close_matches(shown, fields, n=1)
    question = f"; did you mean {close[0]!r}?" if close else "."
    return f"{shown!a} is no field of this route{question}"


def describe_fault(fault: ErrorDetails, fields: Sequence[str]) -> str:
    """Describe a fault in a field that the route has."""
    if rule_of_field := _RULES_OF_FIELDS.get(str(next(iter(fault["loc"]), ""))):
        return f"{fault['loc'][0]}: {rule_of_field}."
    path = ""
    for part in fault["loc"]:
        path += f"[{part}]" if isinstance(part, int) else f"{'.' if path else ''}{cut(part)}"
    if not path:
        return f"The body must be a JSON object with: {', '.join(fields)}."
    if fault["type"] == "missing":
        return f"{path} is required."
    if expected := _describe_type(fault, path):
        return f"{path}: {expected}."
    rule = _RULES.get((fault["type"], path), fault["msg"].removeprefix("Input "))
    if fault["type"] == "extra_forbidden":
        rule = "no such field"
    if fault["type"] == "too_short":
        rule = "must not be an empty list"
    if fault["type"] == "string_too_short" and fault["ctx"]["min_length"] == 1:
        rule = "must not be empty"
    if fault["type"] == "too_long":
        rule = f"must have at most {fault['ctx']['max_length']} values"
    return f"{path}: {rule}."


def _describe_type(fault: ErrorDetails, path: str) -> str:
    """Return which type came and which is expected, never the value; empty if the type is not at fault."""
    expected = _EXPECTED.get(fault["type"])
    if fault["type"] == "list_type":
        expected = _EXPECTED_IN.get(path, expected)
    if fault["type"] not in _EXPECTED or (
        fault["type"] == "literal_error" and isinstance(fault["input"], str)
    ):
        return ""
    expected = expected or fault["ctx"]["expected"]
    return f"got {_JSON_TYPES[type(fault['input'])]}, expected {expected}"
