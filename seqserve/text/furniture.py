"""Line furniture: what stands at the start of a line and is no text of its sentence.

Quote marks, list marks, numbering, headings, check boxes, table bars, fences.
"""

from __future__ import annotations

import regex

# In the order in which they may follow each other: `> - [x] ### 3.1 Setup`.
_MARKS = r"""
    (?:>[ ]?)+\s*                                       # > quoted
  | [-*+•‣◦⁃▪●○◆►✓✔✗✘]\s+ | [–—]\s+(?=\p{Lu})           # - item
  | \[[ xX]\]\s+ | \[![A-Z]{1,20}\]\s*                  # [x] done  [!NOTE]
  | \#{1,6}\s+                                          # ## Heading
  | \(?\d{1,3}[.)]\s+ | \(?[a-zA-Z]\)\s+                # 1. item  2) item  (a) item
  | \d{1,3}(?:\.\d{1,3}){1,6}\.?\s+(?=\p{Lu})               # 3.1 Setup
  | \|\s*                                               # | cell
"""
_PREFIX = regex.compile(rf"\s*(?:{_MARKS})*", regex.VERBOSE)
_MARK = regex.compile(rf"\s*(?:{_MARKS}|```|~~~)", regex.VERBOSE)
_RULE = regex.compile(r"[^\p{L}\p{N}]+")
_QUOTE = regex.compile(r"\s*(?:>[ ]?)+")
_HEADING = regex.compile(r"\s*(?:>[ ]?)*\#{1,6}\s")


def prefix_length(line: str) -> int:
    """Return how many characters at the start of a line are white space and marks."""
    found = _PREFIX.match(line)
    return found.end() if found else 0


def quote_length(line: str) -> int:
    """Return how many characters at the start of a line are quote marks, with the white space between them."""
    found = _QUOTE.match(line) if ">" in line else None
    return found.end() if found else 0


def quote_level(line: str) -> int:
    """Return how many quote marks a line starts with."""
    return line.count(">", 0, quote_length(line))


def starts_with_mark(line: str) -> bool:
    """Return whether a line starts with a mark, a table bar or a fence."""
    return _MARK.match(line) is not None


def stands_alone(line: str) -> bool:
    """Return whether a line is complete: a heading, a table row, a fence, or without any letter or digit."""
    return (
        _HEADING.match(line) is not None
        or line.lstrip().startswith(("|", "```", "~~~"))
        or _RULE.fullmatch(line) is not None
    )
