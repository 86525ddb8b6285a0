"""The queries in docs/operations.md and docs/deployment.md."""

from __future__ import annotations

import re

import pytest

from tests.deploy.promql import ROOT, faults_of

PAGES = ("operations.md", "deployment.md")
MADE = re.compile(
    r"<!-- (\w+) -->.*?<!-- /\1 -->", re.DOTALL
)  # which tests of their own watch over
FENCED = re.compile(r"^```.*?^```$", re.DOTALL | re.MULTILINE)


def queries(page: str) -> list[str]:
    """Return the inline code that contains a metric of this service or of BentoML."""
    text = (ROOT / "docs" / page).read_text(encoding="utf-8")
    spans = re.findall(r"`([^`\n]+)`", FENCED.sub("", MADE.sub("", text)))
    return [
        span.replace("\\|", "|")
        for span in spans
        if re.search(r"\b(seqserve|bentoml)_\w+", span) and "…" not in span
    ]


@pytest.mark.parametrize("query", [query for page in PAGES for query in queries(page)])
def test_a_query_asks_for_what_there_is(query: str) -> None:
    assert faults_of(query) == []


@pytest.mark.parametrize("page", PAGES)
def test_there_are_queries(page: str) -> None:
    assert len(queries(page)) >= 6
