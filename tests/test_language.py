"""The texts that people read use the field's words: docs, docstrings, comments, help and error messages.

`python -m tests.test_language` counts the retired words per package; with paths it lists them.
"""

from __future__ import annotations

import ast
import io
import re
import sys
import tokenize
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]

# Files and folders that are free of retired words, and stay so.
CHECKED: list[str] = [
    "seqserve",
    "model_export",
    "benchmarks",
    "loadtest",
    "CONTRIBUTING.md",
    "README.md",
    "docs",
    "service",
    "tests/baselines",
    "tests/benchmarks",
    "tests/bulk",
    "tests/cli",
    "tests/client",
    "tests/conftest.py",
    "tests/contract",
    "tests/datasets",
    "tests/decode",
    "tests/deploy",
    "tests/docs",
    "tests/e2e",
    "tests/evaluation",
    "tests/fakes.py",
    "tests/loadtest",
    "tests/model_export",
    "tests/models",
    "tests/page",
    "tests/runtime",
    "tests/service",
    "tests/serving.py",
    "tests/text",
    "tests/tiny.py",
]

# (retired, what to use instead). A space stands for any white space, so that a line may end there.
RETIRED: list[tuple[str, str]] = [
    (r"tones?", "sentiment"),
    (r"find(?:s|ing)? names|found names|names, sentiment", "entities, NER"),
    (r"figures?(?! out| \d)", "metrics; numbers or results where nothing is evaluated"),
    (r"input steps?", "scale, zero point"),
    (r"equal models?", "equalised model"),
    (r"silent layers?", "identity-initialised layer"),
    (r"text sides?", "preprocessor, text encoder"),
    (r"stretch(?:es)?", "pre-token, span"),
    (r"forth and back|back and forth", "forward and backward"),
    (r"onwards?", "forward, transition; from X on"),
    (r"(?<!best\s)(?<!best-)efforts?", "training cost"),
    (r"(?:hold|holds|held|holding)(?: [\w`]+){0,4} against", "verify, compare with"),
    (r"(?:go|goes|going|went|gone) on with", "resume, continue"),
    (r"(?<!support\s)ticket", "cancellation id"),
    (r"lets? go|letting go", "release, resolve"),
    (r"settle[sd]?|settling", "complete, resolve"),
    (r"(?:in|for|of|no|wants?|enough) company", "linger, batch mates"),
    (r"(?:quick|slow) calls?", "concurrency"),
    (r"(?<!in\s)(?<!in-)flights?", "in-flight requests"),
    (r"cohorts?", "decoding batch"),
    (r"crews?", "scheduler"),
    (r"(?:a|the|each|every|per|its|whose|one|next) turns?|takes? turns", "time slice, step"),
    (r"lifelines?", "heartbeat channel"),
    (r"(?:a|the|last|no|each|every) beats?", "heartbeat"),
    (r"tall(?:y|ies|ied)", "buffered counter, count"),
    (r"fittings", "middleware options"),
    (r"gives? the same", "have, map to, return the same"),
    (r"the edge(?! of| case)", "middleware"),
    (r"(?<!time\s)stamp(?:s|ed)?", "response headers"),
    (r"strikes?|struck", "fault"),
    (r"befalls?|befell|befallen", "fault, happens to"),
    (r"promise[sd]?", "target, objective, guarantee"),
    (r"what waits", "pending requests"),
    (r"canary sings", "canary passes"),
    (r"(?:go|goes|went|gone|put|puts) beside", "is compared with, stands next to"),
    (r"anew", "again"),
    (r"whence|thereof|henceforth|hitherto", "a plain sentence"),
]
_OPENINGS = {
    word: "an imperative that says what is done: return, load, report"
    for word in ("Give", "Gives", "Say", "Says")
}
_PATTERNS = [
    (re.compile(rf"\b(?:{retired})\b".replace(" ", r"\s+"), re.IGNORECASE), instead)
    for retired, instead in RETIRED
]
_CODE = re.compile(r"^ *(```|~~~).*?^ *\1|(`+)(?!`).+?(?<!`)\2(?!`)", re.DOTALL | re.MULTILINE)
_LINK = re.compile(r"\]\([^)\s]*\)|<?https?://[^\s)>]+>?")
_HELP = {"help", "description", "short_help", "epilog"}


@dataclass(frozen=True)
class Finding:
    """A retired word in a text."""

    path: str
    line: int
    retired: str
    instead: str

    def __str__(self) -> str:
        return f"{self.path}:{self.line}: {self.retired!r} is retired; use: {self.instead}"


def _blanked(found: re.Match[str]) -> str:
    return re.sub(r"[^\n]", " ", found.group())


def without_code(text: str) -> str:
    """Blank out code and links; every line stays where it is."""
    return _LINK.sub(_blanked, _CODE.sub(_blanked, text))


def _docstrings(tree: ast.Module) -> Iterator[ast.Constant]:
    for node in ast.walk(tree):
        # A string that stands alone is documentation, wherever it is.
        match node:
            case ast.Expr(value=ast.Constant(value=str()) as docstring):
                yield docstring


def _messages(tree: ast.Module) -> Iterator[ast.Constant]:
    """Yield the parts of help texts and of error messages."""
    shown: list[ast.AST] = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Raise) and isinstance(node.exc, ast.Call):
            shown += node.exc.args
        elif isinstance(node, ast.keyword) and node.arg in _HELP:
            shown.append(node.value)
    for root in shown:
        for node in ast.walk(root):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                yield node


def prose_of_python(source: str) -> str:
    """Return the prose of a module: docstrings, comments, help and errors, each on its own line."""
    tree, lines = ast.parse(source), source.splitlines()
    prose = [""] * (len(lines) + 1)
    for docstring in _docstrings(tree):
        first, last = docstring.lineno, docstring.end_lineno or docstring.lineno
        prose[first - 1 : last] = lines[first - 1 : last]
    for message in _messages(tree):
        prose[message.lineno - 1] += " " + " ".join(message.value.split())
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type == tokenize.COMMENT:
            prose[token.start[0] - 1] += " " + token.string.lstrip("# ")
    return "\n".join(prose)


def openings_of(source: str) -> Iterator[tuple[int, str]]:
    """Yield the line and the first word of every docstring."""
    for docstring in _docstrings(ast.parse(source)):
        words = docstring.value.split()
        if words:
            yield docstring.lineno, words[0]


def findings_in(path: str, source: str) -> list[Finding]:
    """Return the retired words in a file.

    Args:
        path: How it is named in a finding; the ending says what it is.
        source: What is in it.
    """
    found = []
    prose = prose_of_python(source) if path.endswith(".py") else source
    if path.endswith("Makefile"):
        prose = "\n".join(line.partition("## ")[2] for line in source.splitlines())
    text = without_code(prose)
    for pattern, instead in _PATTERNS:
        for match in pattern.finditer(text):
            line = text.count("\n", 0, match.start()) + 1
            found.append(Finding(path, line, " ".join(match.group().split()), instead))
    if path.endswith(".py"):
        found += [
            Finding(path, line, word, _OPENINGS[word])
            for line, word in openings_of(source)
            if word in _OPENINGS
        ]
    return sorted(found, key=lambda finding: finding.line)


def texts_under(*names: str) -> list[Path]:
    """Return the files to read in these files and folders of the project."""
    found: set[Path] = set()
    for name in names:
        path = ROOT / name
        found |= {path} if path.is_file() else {*path.rglob("*.py"), *path.rglob("*.md")}
    return sorted(found - {Path(__file__).resolve()})


def all_findings(*names: str) -> list[Finding]:
    """Return the retired words in these files and folders of the project."""
    return [
        finding
        for path in texts_under(*names)
        for finding in findings_in(
            path.relative_to(ROOT).as_posix(), path.read_text(encoding="utf-8")
        )
    ]


@pytest.mark.parametrize("name", CHECKED)
def test_no_retired_words(name: str) -> None:
    assert texts_under(name), f"{name} has no text: correct CHECKED"
    found = all_findings(name)
    assert not found, "\n" + "\n".join(map(str, found))


MADE_UP = {
    "a page": ("a.md", "fine\nThe tone of it.\n", [(2, "tone")]),
    "over the end of a line": ("a.md", "It is held\nagainst torch.\n", [(1, "held against")]),
    "capitals": ("a.md", "# Cohorts\n", [(1, "Cohorts")]),
    "inline code": ("a.md", "The key `figures` of format 2, ``a ` tally``.\n", []),
    "a block of code": ("a.md", "```json\n{'figures': 1}\n```\nThe tally.\n", [(4, "tally")]),
    "a link": ("a.md", "See [the page](tone.md) and https://a.invalid/tone.\n", []),
    "part of a word": ("a.md", "A milestone, compromised.\n", []),
    "a numbered figure": ("a.md", "As in figure 3, nobody can figure out why.\n", []),
    "in-flight": ("a.md", "An in-flight request; 3 in flight; a flight.\n", [(1, "flight")]),
    "an edge case": ("a.md", "The edge case, the edge of a cell, the edge.\n", [(1, "the edge")]),
    "a docstring": ("a.py", '"""Load.\n\nThe tone.\n"""\n', [(3, "tone")]),
    "the first word": ("a.py", 'def f():\n    """Give the sum."""\n', [(2, "Give")]),
    "later words": ("a.py", '"""Return what callers give and say."""\n', []),
    "below a field": ("a.py", 'class A:\n    b: int\n    """A tally."""\n', [(3, "tally")]),
    "a comment": ("a.py", "x = 1\ny = 2  # befalls\n", [(2, "befalls")]),
    "a help text": ("a.py", 'Option(\n    help="The crew."\n)\n', [(2, "crew")]),
    "an error": ("a.py", 'raise ValueError(f"{n} tickets, no ticket")\n', [(1, "ticket")]),
    "other strings": ("a.py", 'tone = {"tone": "cohort"}\n', []),
    "the help of make": ("Makefile", "tally: x ## Show the tally\n\tcohort\n", [(1, "tally")]),
}


@pytest.mark.parametrize(("path", "text", "expected"), MADE_UP.values(), ids=list(MADE_UP))
def test_retired_words_are_found(path: str, text: str, expected: list[tuple[int, str]]) -> None:
    found = findings_in(path, text)
    assert [(finding.line, finding.retired) for finding in found] == expected


def test_a_finding_names_the_place_and_the_replacement() -> None:
    (found,) = findings_in("docs/a.md", "x\n\na tally")
    assert str(found) == "docs/a.md:3: 'tally' is retired; use: buffered counter, count"


def _package_of(path: str) -> str:
    parts = path.split("/")
    return path if len(parts) == 1 or parts[0] == "docs" else "/".join(parts[:-1][:2])


def main(names: list[str]) -> None:
    """Print the counts per package, or every retired word under some names."""
    if names:
        print(*all_findings(*names), sep="\n")
        return
    tops = ("seqserve", "model_export", "service", "benchmarks", "cli", "loadtest", "tests", "docs")
    found = all_findings(*tops, "README.md", "CONTRIBUTING.md", "Makefile")
    for package, n in sorted(Counter(_package_of(one.path) for one in found).items()):
        words = Counter(one.retired.lower() for one in found if _package_of(one.path) == package)
        listed = ", ".join(f"{word} {count}" for word, count in words.most_common(6))
        is_checked = any(package == name or package.startswith(f"{name}/") for name in CHECKED)
        print(f"{n:5} {'checked' if is_checked else '       '} {package}: {listed}")
    print(f"{len(found):5} in all")


if __name__ == "__main__":
    main(sys.argv[1:])
