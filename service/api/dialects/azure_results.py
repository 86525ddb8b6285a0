"""The answers of Azure AI Language: documents, the errors of others, and statistics on request."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from seqserve.text.offsets import offset_table
from service.api.dialects.azure_errors import document_error
from service.api.dialects.azure_kinds import Analysis
from service.api.dialects.places import Json

_RECORD_CHARS = 1000  # of a transaction


def write_analysis(
    analysis: Analysis,
    results: Sequence[Mapping[str, Any]],
    model_version: str,
    has_statistics: bool,
) -> Json:
    """Return the answer to a request.

    Args:
        analysis: What it wants.
        results: Of each document the result, or `error`.
        model_version: What computed them.
        has_statistics: Whether it wants numbers of characters and of documents.
    """
    documents, errors = [], []
    for document, result in zip(analysis.documents, results, strict=True):
        if "error" in result:
            errors.append({"id": document.id, "error": document_error(result["error"])})
            continue
        row = {"id": document.id, "warnings": [], **analysis.write(document.text, result)}
        documents.append(row | _statistics(document.text) if has_statistics else row)
    answer: Json = {"documents": documents, "errors": errors, "modelVersion": model_version}
    if has_statistics:
        answer["statistics"] = {
            "documentsCount": len(results),
            "validDocumentsCount": len(documents),
            "erroneousDocumentsCount": len(errors),
            "transactionsCount": sum(one["statistics"]["transactionsCount"] for one in documents),
        }
    return {"kind": analysis.kind.result, "results": answer}


def _statistics(text: str) -> Json:
    n_chars = offset_table(text, "grapheme")[-1]
    n_records = math.ceil(n_chars / _RECORD_CHARS)
    return {"statistics": {"charactersCount": n_chars, "transactionsCount": n_records}}
