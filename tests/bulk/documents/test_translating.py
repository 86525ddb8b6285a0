from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import Future

from seqserve.bulk.documents.formats import DOCUMENTS
from seqserve.bulk.documents.translating import Doubt, Translated, translate
from seqserve.bulk.records import Refusal, Rejected
from seqserve.bulk.run import Outcome
from seqserve.bulk.windows import WindowSize

REFUSED = Refusal("text_too_long", "text has 9 characters.")


class Model:
    """Translates into capitals, refuses "no" and doubts "maybe"; notes the batches."""

    def __init__(self) -> None:
        self.batches: list[list[str]] = []

    def __call__(self, texts: Sequence[str]) -> Future[list[Outcome]]:
        self.batches.append(list(texts))
        found: Future[list[Outcome]] = Future()
        found.set_result([self.answer(text) for text in texts])
        return found

    def answer(self, text: str) -> Outcome:
        if "no" in text:
            return REFUSED
        warnings = ["untranslated"] if "maybe" in text else []
        return {"text": text.upper(), "score": -0.5, "warnings": warnings}


def run(
    text: str, size: WindowSize | None = None
) -> tuple[Translated, Model, list[tuple[int, int]]]:
    model, told = Model(), list[tuple[int, int]]()
    parts = DOCUMENTS["html"].read(text)
    done = translate(parts, model, size or WindowSize(), lambda *counts: told.append(counts))
    return done, model, told


def test_units_are_translated_in_their_places() -> None:
    done, model, told = run("<p>one</p>\n<b>two</b>\n<p>one</p>")
    assert done.text == "<p>ONE</p>\n<b>TWO</b>\n<p>ONE</p>"
    assert (done.n_texts, done.rejected, done.doubts) == (3, [], [])
    assert sorted(model.batches[0]) == ["one", "two"]  # each text once
    assert told == [(2, 2)]


def test_what_is_refused_stays_and_is_reported() -> None:
    done, _, _ = run("<p>one</p>\n<p>no</p>\n\n<p>maybe</p>")
    assert done.text == "<p>ONE</p>\n<p>no</p>\n\n<p>MAYBE</p>"
    assert done.rejected == [Rejected(2, REFUSED)]
    assert done.doubts == [
        Doubt(4, "maybe", {"text": "MAYBE", "score": -0.5, "warnings": ["untranslated"]})
    ]
    assert done.n_texts == 2


def test_texts_are_translated_in_batches() -> None:
    done, model, told = run("<p>a</p><p>b</p><p>c</p>", WindowSize(batch_texts=2))
    assert done.text == "<p>A</p><p>B</p><p>C</p>"
    assert sorted(map(len, model.batches)) == [1, 2]
    assert told[-1] == (3, 3)


def test_a_document_without_text() -> None:
    done, model, _ = run("<pre>no</pre>")
    assert (done.text, done.n_texts, model.batches) == ("<pre>no</pre>", 0, [])
