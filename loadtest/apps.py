"""Apps that call a dialect: what they send, as a table."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from typing import Any, Literal, TypeAlias

from seqserve.tasks import Task

AppName: TypeAlias = Literal["mastodon", "weblate", "label-studio"]
"""The keys of `APPS`."""


@dataclass(frozen=True)
class App:
    """An app.

    Args:
        task: Whose texts it sends.
        dialect: The API that it calls.
        route: The rest of the path.
        n_texts: Fewest and most texts of a request.
        body: Returns the document that it sends for texts.
    """

    task: Task
    dialect: str
    route: str
    n_texts: tuple[int, int]
    body: Callable[[Sequence[str]], Any]

    @property
    def path(self) -> str:
        """The path that it calls."""
        return f"/{self.dialect}/{self.route}"


_PAIR = {"source": "en", "target": "zh"}
_CONFIG = """<View><Text name="text" value="$text"/><Labels name="label" toName="text">
<Label value="PER"/><Label value="LOC"/><Label value="ORG"/></Labels></View>"""

APPS: Mapping[str, App] = {
    # A post, with the descriptions of its pictures and the options of its poll.
    "mastodon": App(
        "translation",
        "libretranslate",
        "translate",
        (1, 4),
        lambda texts: {"q": [f"<p>{escape(one)}</p>" for one in texts], **_PAIR, "format": "html"},
    ),
    # Automatic translation sends strings in batches of this size.
    "weblate": App(
        "translation", "libretranslate", "translate", (20, 20), lambda texts: {"q": texts, **_PAIR}
    ),
    # A task that an annotator opens.
    "label-studio": App(
        "ner",
        "label-studio",
        "predict",
        (1, 1),
        lambda texts: {
            "tasks": [{"id": i, "data": {"text": one}} for i, one in enumerate(texts)],
            "label_config": _CONFIG,
            "project": "1.1700000000",
            "params": {"context": None},
        },
    ),
}
