"""Translate a file as a whole: the same file comes out, with other text in it."""

from __future__ import annotations

import asyncio
import codecs
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import PurePath

from seqserve.bulk.documents.formats import DOCUMENTS, SUFFIXES, FileFormat
from seqserve.bulk.documents.unit import Parts, Unit
from seqserve.errors import DataError, InputError, SeqserveError
from seqserve.records import AUTO, RequestOptions
from service.api.choice import candidate_models
from service.api.core import Call, Core
from service.api.mixed import detect_source
from service.api.plan import PredictionRequest
from service.api.texts import check_total
from service.settings import Settings

PLAIN_SUFFIX = ".txt"
SUPPORTED_SUFFIXES: tuple[str, ...] = (PLAIN_SUFFIX, *SUFFIXES)


async def translate_file(
    core: Core, settings: Settings, file: tuple[str, bytes], call: Call, **languages: str
) -> bytes:
    """Translate a file.

    Args:
        core: Translates the texts.
        settings: Limits: all texts of the file count as one request, except for their number.
        file: Its name, whose suffix is that of a format, and its content in UTF-8.
        call: What comes with the request.
        languages: `source`, which may be `auto`, and `target`.

    Raises:
        InputError: The format is not supported, or the file is not in this format.
        SeqserveError: As for `Core.predict`.
    """
    name, content = file
    suffix = PurePath(name).suffix.lower()
    if suffix not in SUPPORTED_SUFFIXES:
        raise InputError(
            f"Files of this format are not supported. Send: {', '.join(SUPPORTED_SUFFIXES)}."
        )
    text = _decode(content)
    row = DOCUMENTS[SUFFIXES[suffix]] if suffix != PLAIN_SUFFIX else None
    parts = await asyncio.to_thread(_read, row, text)
    texts = list(dict.fromkeys(one for unit in _units(parts) for one in unit.texts))
    request = PredictionRequest(
        "translation",
        texts,
        {"format": row.text_format} if row else {},
        languages.get("source"),
        languages.get("target"),
        RequestOptions(partial=True),
    )
    translations = await _translate(core, settings, request, call)
    mark = codecs.BOM_UTF8 if content.startswith(codecs.BOM_UTF8) else b""
    written = [part if isinstance(part, str) else _write(part, translations) for part in parts]
    return mark + "".join(written).encode()


def _decode(content: bytes) -> str:
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise InputError("The file is not UTF-8.") from None


def _read(row: FileFormat | None, text: str) -> Parts:
    """Cut a file into copied text and units; a plain text is one unit.

    Raises:
        InputError: It is not in its format.
    """
    if row is None:
        return [Unit((text,), 1, text, lambda translations: translations[0] or text)]
    try:
        return row.read(text)
    except DataError as error:
        raise InputError(f"The file cannot be read: {error}.") from None


def _units(parts: Parts) -> Iterator[Unit]:
    return (part for part in parts if isinstance(part, Unit))


async def _translate(
    core: Core, settings: Settings, request: PredictionRequest, call: Call
) -> Mapping[str, str | None]:
    """Return the translation of every text of a request of any length; None for those that failed.

    Raises:
        SeqserveError: As for `Core.predict`; or no text has a translation.
    """
    texts = request.texts
    check_total("translation", texts, settings)
    if request.source == AUTO:
        models = candidate_models("translation", None, core.models())
        source = await asyncio.to_thread(detect_source, "\n".join(texts), request.target, models)
        request = replace(request, source=source)
    translations: dict[str, str | None] = {}
    for begin in range(0, len(texts), settings.max_texts):
        some = texts[begin : begin + settings.max_texts]
        prediction = await core.predict(replace(request, texts=some), call)
        translations |= zip(some, (one.get("text") for one in prediction.results), strict=True)
    if texts and not any(translations.values()):
        raise SeqserveError
    return translations


def _write(unit: Unit, translations: Mapping[str, str | None]) -> str:
    found: Sequence[str | None] = [translations[text] for text in unit.texts]
    return unit.write(found)
