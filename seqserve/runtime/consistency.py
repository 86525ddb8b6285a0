"""Whether manifest.json says the same as config.json, which decides what the model does.

Programs read the labels, limits and languages of a model in its manifest. A bundle that says something else in
its config is refused, because requests would be checked against what the model does not have.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, get_args

from seqserve.bundle import Bundle
from seqserve.choices import Activation
from seqserve.errors import BundleError
from seqserve.quoting import cut
from seqserve.text.languages import MANY_LANGUAGES
from seqserve.text.tag_schemes import read_tags

MAX_WINDOW_TOKENS = "max_window_tokens"
"""The key of `limits` for the tokens that a model reads at once."""
_MAX_SHOWN = 10


def check_manifest(bundle: Bundle) -> None:
    """Check that the manifest of a bundle does not contradict its config.

    Keys that the config lacks are not compared.

    Raises:
        BundleError: It does; names every difference.
        ConfigError: The tags in the config are none.
    """
    problems = [problem for check in _CHECKS for problem in check(bundle)]
    if problems:
        listed = "; ".join(problems)
        raise BundleError(
            f"{bundle.path}: manifest.json contradicts config.json: {listed}. Export or import the bundle "
            "again instead of editing it"
        )


def _label_problems(bundle: Bundle) -> Iterator[str]:
    said, has = bundle.manifest.labels, _labels_of(bundle.config)
    if has is not None and said != has:
        yield f"labels are {_listed(said)} in the manifest and {_listed(has)} in the config"


def _labels_of(config: Mapping[str, Any]) -> tuple[str, ...] | None:
    """Return the labels that a config names; None if it does not."""
    if isinstance(tags := config.get("tags"), list):
        return read_tags(tags).labels
    labels = _inner(config, "text").get("labels")
    return tuple(labels) if isinstance(labels, list) else None


def _limit_problems(bundle: Bundle) -> Iterator[str]:
    said = bundle.manifest.limits.get(MAX_WINDOW_TOKENS)
    has = _reader_of(bundle.config).get("max_tokens")
    if None not in (said, has) and said != has:
        yield f"{MAX_WINDOW_TOKENS} of limits is {said} in the manifest and {has} in the config"


def _language_problems(bundle: Bundle) -> Iterator[str]:
    said = bundle.manifest.languages
    language = _reader_of(bundle.config).get("language")
    primary = {one.replace("_", "-").partition("-")[0].lower() for one in said}
    if language and MANY_LANGUAGES not in primary and language not in primary:
        yield f"languages are {_listed(said)} in the manifest and {cut(str(language))} in the config"
    prefixes = _inner(bundle.config, "tokenizer").get("prefixes")
    if isinstance(prefixes, Mapping) and prefixes:
        targets = dict.fromkeys(pair[-1] for pair in bundle.manifest.language_pairs)
        if missing := [one for one in targets if one not in prefixes]:
            yield f"the config has no target language {_listed(missing)}, which the manifest has"


def _score_problems(bundle: Bundle) -> Iterator[str]:
    said, has = bundle.manifest.score_kind, bundle.config.get("activation")
    if said in get_args(Activation) and has is not None and said != has:
        yield f"score_kind is {said} in the manifest and {cut(str(has))} (activation) in the config"


_CHECKS = (_label_problems, _limit_problems, _language_problems, _score_problems)


def _reader_of(config: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the settings of the preprocessor: in `text`, of word-level models in its `config`."""
    text = _inner(config, "text")
    return _inner(text, "config") or text


def _inner(values: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    found = values.get(name)
    return found if isinstance(found, Mapping) else {}


def _listed(names: Sequence[str]) -> str:
    more = ", ..." if len(names) > _MAX_SHOWN else ""
    return (", ".join(cut(str(one)) for one in names[:_MAX_SHOWN]) + more) or "none"
