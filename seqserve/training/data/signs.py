"""Signs that a corpus separates from the word behind them, and that serving does not."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from seqserve.text.tags import OUTSIDE


def join_signs(
    tokens: Sequence[str], tags: Sequence[str], signs: Mapping[str, bool]
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Join signs such as `@` and `#` with the word behind them, as serving reads `@name` and `#topic`.

    Args:
        tokens: Of a sentence.
        tags: Their BIO2 tags.
        signs: Tokens to join, and whether what is joined can be an entity (a topic can, a user name cannot).

    Returns:
        Tokens and tags. A joined token has the tag of the sign if that is in an entity, else that of the word.
    """
    joined_tokens: list[str] = []
    joined_tags: list[str] = []
    i = 0
    while i < len(tokens):
        token, tag = tokens[i], tags[i]
        if token in signs and i + 1 < len(tokens) and _is_word(tokens[i + 1]):
            i += 1
            token += tokens[i]
            tag = tags[i] if tag == OUTSIDE else tag
            tag = tag if signs[tokens[i - 1]] else OUTSIDE
        joined_tokens.append(token)
        joined_tags.append(tag)
        i += 1
    return tuple(joined_tokens), _legal(joined_tags)


def _is_word(token: str) -> bool:
    """Return whether a token is what follows `@` and `#` in names and topics."""
    return token.replace("_", "a").isalnum()


def _legal(tags: Sequence[str]) -> tuple[str, ...]:
    """Begin an entity where I- follows none of its label: its first token was joined with an outside sign."""
    legal: list[str] = []
    for tag in tags:
        continues = bool(legal) and legal[-1] != OUTSIDE and legal[-1][2:] == tag[2:]
        legal.append(f"B-{tag[2:]}" if tag.startswith("I-") and not continues else tag)
    return tuple(legal)
