"""The questions that every bundle must answer as torch did: plain ones, and the edges of Unicode."""

from __future__ import annotations

from typing import Any

from seqserve.tasks import Task

_EDGES = (
    "x",
    "CAFE\u0301 in Zu\u0308rich, e\u0301tude no. 3",
    "Line one.\r\nLine two,\tand a tab.",
    "Thumbs up \U0001f44d\U0001f3fd from \U0001f469\u200d\U0001f52c!",
    "\u0634\u0643\u0631\u0627 from Cairo",
    "\u5317\u4eac and Tokyo",
)
_NER = (
    "Harry Potter and Hermione Granger invented a new spell.",
    "Angela Merkel met officials of the United Nations in New York on 3 May 2016.",
    "Shares of Siemens rose in Frankfurt. French and German traders were pleased.",
)
_SENTIMENT = (
    "A quiet, funny and deeply moving film.",
    "The plot is dull, the acting is worse, and I walked out after an hour.",
    "Great pictures.<br /><br />Sadly, nobody told the writers.",
)
_TRANSLATION = (
    "Return the number of days, as an integer.",
    "The function raises an exception if the file does not exist. Close it first.",
    "I have two brothers.",
)

GOLDEN_INPUTS: dict[Task, list[dict[str, Any]]] = {
    "ner": [{"text": text} for text in (*_NER, " ".join(_NER), *_EDGES)],
    "sentiment": [
        {"text": text, "sentences": sentences}
        for text in (*_SENTIMENT, " ".join(_SENTIMENT), *_EDGES)
        for sentences in (False, True)
    ],
    "translation": [
        *({"text": text} for text in (*_TRANSLATION, " ".join(_TRANSLATION), *_EDGES)),
        *({"text": text, "beam_size": 1} for text in _TRANSLATION),
        {"text": _TRANSLATION[0], "beam_size": 6, "alternatives": 2, "length_penalty": 0.6},
    ],
}
