"""Faults of translation services on real text, tried on the shipped model: whole kinds, not wordings."""

from __future__ import annotations

from pathlib import Path

import pytest
import regex

from seqserve.choices import LineBreaks
from seqserve.records import TranslationItem, TranslationResult
from seqserve.runtime.engine import Engine, open_engine

BUNDLE = Path(__file__).parents[2] / "bundles" / "translate-en-zh"
_HAN = regex.compile(r"\p{Han}")


@pytest.fixture(scope="module")
def engine() -> Engine:
    return open_engine(BUNDLE)


def translate(engine: Engine, text: str, line_breaks: LineBreaks = "auto") -> TranslationResult:
    (result,) = engine.predict([TranslationItem(text, line_breaks=line_breaks)])
    assert isinstance(result, TranslationResult)
    return result


PLACEHOLDERS = (
    *("{name}", "{0}", "${name}", "$name", "%s", "%d", "%@", "%1$s", "%(name)s", "{{name}}"),
    *(
        "{{ user.name }}",
        "{{count}}",
        "[[name]]",
        "&nbsp;",
        "&amp;",
        "**name**",
        ":name",
        "__name__",
    ),
    *('<x id="1"/>', "<b>name</b>", "`name`", "\\n", "#{name}", "%{name}", "<%= name %>"),
    *("[name](http://example.com/a)", "👍🏽", "https://example.com/a?b=c", "a.b@example.com"),
    *(
        "/etc/app.conf",
        "os.path.join()",
        "max_size",
        "MAX_SIZE",
        "maxSize",
        "Москва",
        "≥",
        "{{{raw}}}",
    ),
    *("{% if x %}", "<?php x ?>", "&#39;", "%-5.2f", "%ld", "{0:.2f}", "{items[0]}", "Zoë", "5 €"),
)
FRAMES = (
    "Hello {}, welcome back.",
    "You have {} new messages.",
    "Delete {} now?",
    "Open {} to continue.",
    "The value of {} must be a number.",
    "{} has left the room.",
    "Click the button to download {}.",
    "Error while reading {}: file not found.",
    "Do you want to save {} before you exit?",
    "Send it to {} or to your friends.",
    "First {}, and then {} again, please.",
)


@pytest.mark.parametrize("placeholder", PLACEHOLDERS)
def test_placeholders_come_back_and_the_rest_is_translated(
    engine: Engine, placeholder: str
) -> None:
    texts = [frame.replace("{}", placeholder) for frame in FRAMES]
    results = engine.predict([TranslationItem(text) for text in texts])
    damaged = [
        result.text
        for text, result in zip(texts, results, strict=True)
        if result.text.count(placeholder) != text.count(placeholder)
        or not _HAN.search(result.text.replace(placeholder, ""))
    ]
    # A sentence that the model copies is damaged in another way, of which `untranslated` warns.
    assert [text for text in damaged if placeholder not in text] == []
    assert len(damaged) <= 1


WHOLE = {
    "ICU message": (
        "{n, plural, one {# file} other {# files}} deleted",
        "{n, plural, one {# file} other {# files}}",
    ),
    "ICU select": (
        "Delete {x, select, a {it} other {them}} now",
        "{x, select, a {it} other {them}}",
    ),
    "two tags": ('Click <a href="x">the link</a> to go on.', '<a href="x">'),
    "closing tag": ('Click <a href="x">the link</a> to go on.', "</a>"),
    "emoji inside": ("Good 👩‍🔬 work today", "👩‍🔬"),
    "emoji at the end": ("I am in London 😀.", "😀"),
    "emoji at the start": ("⚠️ Do not restart the server.", "⚠️ "),
    "star": ("★ Favourite places of the city", "★"),
    "arrow": ("Press → to continue.", "→"),
    "formula": ("The rule is x² + y² = z², as we know.", "x²"),
    "Greek letter": ("The value of α is small.", "α"),
    "name with a diaeresis": ("Zoë lives in Zürich.", "Zürich"),
    "Cyrillic word": ("The word Привет is Russian.", "Привет"),
    "bidi marks": ("\u202aRestart the server.\u202c", "\u202a"),
    "bullet": ("- First item", "- "),
    "star bullet": ("* First item", "* "),
    "nested bullet": ("  - Nested item", "  - "),
    "check box": ("- [ ] Open task", "- [ ] "),
    "heading": ("### 3.1 Setup", "### 3.1 "),
    "number": ("1) First step", "1) "),
    "quote": ("> Read the file.", "> "),
    "table": ("| Name | Size |", " | "),
    "tab": ("Name:\tThe file", "\t"),
    "columns": ("Name    Size of the file", "    "),
    "fence": (
        "Run this:\n```python\nread the file\n```\nThen stop.",
        "\n```python\nread the file\n```\n",
    ),
    "front matter": ("---\ntitle: The file\n---\nRead it.", "---\ntitle: The file\n---\n"),
    "form feed": ("Read the file.\x0cClose the file.", "\x0c"),
}


@pytest.mark.parametrize(("text", "kept"), WHOLE.values(), ids=WHOLE)
def test_structure_and_signs_are_kept(engine: Engine, text: str, kept: str) -> None:
    result = translate(engine, text)
    assert result.text.count(kept) == text.count(kept)
    assert _HAN.search(result.text)


WRONG_LANGUAGE = {
    "Russian": "Привет, как дела?",
    "Korean": "이것은 한국어 문장입니다.",
    "Arabic": "مرحبا بالعالم",
    "Greek": "Καλημέρα κόσμε, τι κάνεις;",
    "Japanese": "これは日本語の文です。",
    "Hindi": "नमस्ते दुनिया",
    "Chinese": "你好，世界。",
    "French": "La maison est grande et le jardin aussi.",
    "German": "Das Haus ist sehr groß.",
    "Spanish": "El servidor no está disponible en este momento.",
}


@pytest.mark.parametrize("text", WRONG_LANGUAGE.values(), ids=WRONG_LANGUAGE)
def test_other_languages_are_copied_with_a_warning(engine: Engine, text: str) -> None:
    result = translate(engine, text)
    assert (result.text, result.warnings) == (text, ("wrong_language",))
    mixed = translate(engine, f"- Close the file.\n- {text}")
    assert mixed.text.endswith(f"\n- {text}") and "wrong_language" in mixed.warnings
    assert "关闭" in mixed.text


SAME = {
    "full width": ("Ｃｌｏｓｅ　ｔｈｅ　ｆｉｌｅ．", "Close the file."),
    "ligature": ("Close the ﬁle.", "Close the file."),
    "zero-width space": ("Close the fi\u200ble.", "Close the file."),
    "soft hyphen": ("Close the fi\u00adle.", "Close the file."),
    "bidi marks inside": ("Close \u202athe\u202c file.", "Close the file."),
    "byte order mark inside": ("Close the\ufeff file.", "Close the file."),
    "mathematical letters": ("𝐂𝐥𝐨𝐬𝐞 the file.", "Close the file."),
    "capitals": ("PLEASE CLOSE THE FILE.", "Please close the file."),
    "capitals, acronym": ("THE API USES JSON.", "The API uses JSON."),
    "exclamation marks": ("Close the file!!!", "Close the file!"),
    "soft break": (
        "The server keeps a log of\nevery request, and removes lines\nthat are old.",
        "The server keeps a log of every request, and removes lines that are old.",
    ),
    "quoted soft break": (
        "> The server keeps a log of\n> every request that it gets.",
        "> The server keeps a log of every request that it gets.",
    ),
}


@pytest.mark.parametrize(("text", "plain"), SAME.values(), ids=SAME)
def test_what_looks_the_same_is_translated_the_same(engine: Engine, text: str, plain: str) -> None:
    assert translate(engine, text).text == translate(engine, plain).text


ALL_PARTS = {
    "brackets": ("(This is a note. It is important.)", ("这是一个", "重要")),
    "quotes": ('"Open the file. Close the window."', ("文件", "窗口")),
    "curly quotes": ("“Open the file. Close the window.”", ("文件", "窗口")),
    "square brackets": ("[Open the file. Close the window.]", ("文件", "窗口")),
    "introduced": ('He said: "Open the file. Close the window."', ("文件", "窗口")),
    "lines": ("Open the file.\nClose the window.", ("文件", "窗口")),
}


@pytest.mark.parametrize(("text", "parts"), ALL_PARTS.values(), ids=ALL_PARTS)
def test_no_sentence_is_dropped(engine: Engine, text: str, parts: tuple[str, ...]) -> None:
    result = translate(engine, text)
    assert all(part in result.text for part in parts), result.text


def test_line_breaks_are_kept_on_request(engine: Engine) -> None:
    text = "The server keeps a log of\nevery request, and removes lines\nthat are old."
    assert translate(engine, text, "keep").text.count("\n") == 2
    assert translate(engine, text, "join").text == translate(engine, text).text
