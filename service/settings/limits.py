"""The limits of a request."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field

from seqserve.tasks import Task
from service.settings.base import PREFIX, Group


class LimitSettings(Group):
    """How large a request may be, and what it may ask for."""

    max_body_bytes: int = Field(
        default=4 * 1024 * 1024,
        ge=1024,
        description="Largest body of a request in bytes, compressed and decompressed.",
    )
    max_texts: int = Field(default=256, ge=1, description="Most texts in one request.")
    max_text_chars: int = Field(
        default=200_000,
        ge=1,
        description="Most characters in one text: as many as one CPU processes before the deadline, "
        "whatever they are.",
    )
    ner_max_chars: int = Field(
        default=1_000_000, ge=1, description="Most characters in all texts of a request."
    )
    sentiment_max_chars: int = Field(
        default=1_000_000, ge=1, description="Most characters in all texts of a request."
    )
    classification_max_chars: int = Field(
        default=1_000_000, ge=1, description="Most characters in all texts of a request."
    )
    translation_max_chars: int = Field(
        default=200_000,
        ge=1,
        description="Most characters in all texts of a request.",
    )
    max_beam_size: int = Field(
        default=8,
        ge=1,
        le=8,
        description="Largest `beam_size` accepted, and an upper bound of its default.",
    )
    max_target_tokens: int = Field(
        default=1024, ge=1, description="The largest `max_tokens` accepted."
    )
    glossaries: Path | None = Field(
        default=None,
        description="Directory of glossaries for translations: `NAME.json` has an object of terms and "
        "targets, and is the glossary `NAME` of requests. Read again when it changes.",
    )

    def max_chars_of(self, task: Task) -> int:
        """Return how many characters the texts of a request may have."""
        limit: int = getattr(self, f"{task}_max_chars")
        return limit

    def max_text_chars_of(self, task: Task) -> int:
        """Return how many characters one text may have."""
        return min(self.max_chars_of(task), self.max_text_chars)

    def max_chars_variable(self, task: Task, *, of_one_text: bool = False) -> str:
        """Return the variable that limits the characters of a request, or of one text."""
        if of_one_text and self.max_text_chars_of(task) < self.max_chars_of(task):
            return f"{PREFIX}MAX_TEXT_CHARS"
        return f"{PREFIX}{task.upper()}_MAX_CHARS"
