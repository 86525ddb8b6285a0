from __future__ import annotations

import pytest

from seqserve.text.languages import Match, explain_mismatch, language_tag, match_tag

ENGLISH = {
    "en": Match.EXACT,
    "EN": Match.EXACT,
    "eng": Match.EXACT,
    "en-US": Match.GENERAL,
    "EN-gb": Match.GENERAL,
    "en_GB": Match.GENERAL,
    "en-Latn-US": Match.GENERAL,
    "en-u-ca-gregory": Match.GENERAL,
    "en-x-mine": Match.GENERAL,
}
CHINESE = {
    "ZH": Match.EXACT,
    "zh-Hans": Match.EXACT,
    "zh_hans": Match.EXACT,
    "cmn": Match.EXACT,
    "zho": Match.EXACT,
    "zh-cmn-Hans": Match.EXACT,
    "zh-CN": Match.GENERAL,
    "zh_CN": Match.GENERAL,
    "zh-Hans-CN": Match.GENERAL,
    "zh-SG": Match.GENERAL,
    "zh-Hans-TW": Match.GENERAL,
}
SERVED = [
    *[("en", tag, match) for tag, match in ENGLISH.items()],
    *[("zh", tag, match) for tag, match in CHINESE.items()],
    ("pt-BR", "pt", Match.SPECIFIC),
    ("pt-BR", "PT_br", Match.EXACT),
    ("zh-Hans", "zh", Match.EXACT),
    ("zh-Hans", "zh-CN", Match.GENERAL),
    ("zh-Hant", "zh-TW", Match.GENERAL),
    ("zh-TW", "zh-Hant", Match.SPECIFIC),
    ("he", "iw", Match.EXACT),
    ("sr-Latn", "sr-ME", Match.GENERAL),
]


@pytest.mark.parametrize(("served", "requested", "match"), SERVED)
def test_a_tag_means_a_served_language(served: str, requested: str, match: Match | None) -> None:
    assert match_tag(requested, served) is match


OTHERS = [
    *[("en", tag) for tag in ("fr", "de-DE", "und", "mul", "qaa", "auto", "enm", "x-en")],
    *[("zh", tag) for tag in ("yue", "zh-yue", "ja", "nan", "zh-min-nan")],
    ("zh-Hant", "zh"),
    ("pt-BR", "pt-PT"),
    ("pt-BR", "pt-PT-x-me"),
]


@pytest.mark.parametrize(("served", "requested"), OTHERS)
def test_another_language_or_region_does_not_match(served: str, requested: str) -> None:
    assert match_tag(requested, served) is None


@pytest.mark.parametrize(
    ("served", "requested", "script"),
    [
        ("zh", "zh-TW", "Hant"),
        ("zh", "zh_tw", "Hant"),
        ("zh", "zh-Hant", "Hant"),
        ("zh", "zh-Hant-CN", "Hant"),
        ("zh", "zh-HK", "Hant"),
        ("zh", "zh-MO", "Hant"),
        ("zh", "zh-Latn-pinyin", "Latn"),
        ("en", "en-Cyrl", "Cyrl"),
        ("sr", "sr-Latn", "Latn"),
        ("az", "az-IR", "Arab"),
    ],
)
def test_another_script_does_not_match_and_is_named(
    served: str, requested: str, script: str
) -> None:
    assert match_tag(requested, served) is None
    reason = explain_mismatch(requested, served)
    assert reason is not None
    assert f"{requested} is written in the script {script}" in reason


@pytest.mark.parametrize("tag", ["*", "", "e", "en-", "en--us", "a-b", "中文", "x" * 35])
def test_what_is_no_tag_matches_nothing(tag: str) -> None:
    assert match_tag(tag, "en") is None
    assert explain_mismatch(tag, "en") == f"{tag} is no language tag (BCP 47)"


@pytest.mark.parametrize(
    ("requested", "reason"),
    [("pt-PT", "served is pt-BR"), ("fr", None), ("pt", None), ("pt_BR", None)],
)
def test_reasons(requested: str, reason: str | None) -> None:
    assert explain_mismatch(requested, "pt-BR") == reason


@pytest.mark.parametrize(
    ("code", "tag"),
    [
        *[("fra", "fr"), ("EN", "en"), ("deu", "de"), ("nob", "nb"), ("zsm_Latn", "ms"), ("yue_Hant", "yue")],
        *[("cmn", "zh"), ("cmn_Hans", "zh"), ("cmn_Hant", "zh-Hant"), ("zh_cn", "zh-CN"), ("pt_br", "pt-BR")],
        *[("srp_Cyrl", "sr"), ("srp_Latn", "sr-Latn"), ("arb", "ar"), ("es_419", "es-419")],
        *[("ROMANCE", None), ("gmq", None), ("mul", None), ("und", None), ("xxx", None), ("", None)],
    ],
)  # fmt: skip
def test_a_code_has_one_tag(code: str, tag: str | None) -> None:
    assert language_tag(code) == tag
