from __future__ import annotations

from collections.abc import Mapping
from typing import get_args

import pytest

from seqserve.choices import Warning
from seqserve.text.checks.pair import Pair
from seqserve.text.checks.table import CHECKS, warnings_of
from tests.timing import grows_linearly

Table = Mapping[str, list[tuple[str, str]]]
EN_ZH = ("en", "zh")

NOTICED: Table = {
    "repetition": [
        ("Hello there.", "你好你好你好你好你好"),
        ("Hello.", '你好""""""""'),
        ("Hello.", "。。。。"),
        ("Hello.", '你" " " " "'),
        ("Hello.", "你好、、、、、"),
        ("And so on.", "等等…………………………"),
        ("Hello.", "的的的的的的"),
        ("A long one.", "这是一个非常非常长的句子，它说了很多很多的话，" * 3),
        ("Words.", "one two one two one two one two "),
    ],
    "untranslated": [
        ("Anna is here.", "na在这里。"),
        ("Roses are red.", "oses 是红色的。"),
        ("Age", "ge"),
        ("ANNA IS HERE.", "na在这里。"),
        ("Ask Sir Henry.", "问ir 亨利。"),
        ("Call Müller", "致电 ller"),
        ("See the manual", "See the manual"),
        ("Open the file and save it.", "Open the file and save it。"),
        ("PLEASE SAVE YOUR WORK.", "PLEASE SAVE YOUR WORK。"),
        ("CLICK HERE", "CLICK HERE"),
        ("ACCESS DENIED!", "ACCESS DENIED！"),
        ("Save file", "Save file"),
        ("download", "download"),
        ("They fight well in hills, mountains and caves.", "在 hills, mountains 和 caves 中很好。"),
        ("Tom finally quit smoking.", "汤姆 finally quit smoking。"),
    ],
    "placeholder_mismatch": [
        ("Hello {{name}}", "你好 {name}"),
        ("Hello %(name)s", "你好 %(name)"),
        ("Wait %d of %d seconds", "等待 %d 秒"),
        ("See https://example.org/a", "见 https://example.org/"),
        ("Write to a@example.org", "写信给 a@example.com"),
        ("Fish &amp; chips", "鱼和薯条"),
        ("<b>Stop</b> now", "<b>停止"),
        ("Call `run()` first", "先调用 `跑()`"),
        ("Set max_size here", "在这里设置 max size"),
        ("Good 👍 job", "干得好"),
        ("Hello", "你好 {name}"),
    ],
    "negation_mismatch": [
        ("Do not open it.", "打开它。"),
        ("Never restart the server.", "永远重启服务器。"),
        ("You can't close this window.", "您可以关闭此窗口。"),
        ("I don’t like it.", "我喜欢它。"),
        ("He cannot swim.", "他会游泳。"),
        ("There is no water.", "有水。"),
        ("No one came.", "有人来了。"),
        ("DO NOT OPEN", "打开"),
        ("Open the file.", "不要打开文件。"),
        ("The door is green.", "门不是绿色的。"),
    ],
    "omission": [
        ("Open the file and save the document before closing.", "打开。"),
        ("(This is a note. It matters very much.)", "（这是一份说明）"),
        ('"I came here. I saw them. I won."', "“我来了。”"),
        ('"I came. I saw. I won."', "“我来了。我来了。”"),
        ("Wait! Stop! Now!", "等等！"),
        ("Open it. Then read it. Then close it.", "打开它，然后关闭它"),
        ("She bought bread, milk, cheese and a very large cake for the party.", "她买了"),
        ("The museum is closed on Mondays and on public holidays.", ""),
        ("Restart the server first. Then open the settings page.", "首先重新启动服务器"),
    ],
}  # fmt: skip
UNNOTICED: Table = {
    "repetition": [
        ("ha ha ha ha ha ", "哈 哈 哈 哈 哈 哈 哈 哈 "),
        ("And so on.", "等等……"),
        ("Ha!", "哈哈哈哈"),
        ("1000000000", "1000000000"),
        ("| --- | --- |", "| --- | --- |"),
        ("Wait!!!!!!!!", "等等！！！！！！！！"),
        ("Hello", "你好"),
        ("", ""),
    ],
    "untranslated": [
        ("Anna is here.", "Anna在这里。"),
        ("Anna is here.", "anna在这里。"),
        ("It has 5 kilobytes.", "它有 5 KB。"),
        ("The filenames are long.", "filename 很长。"),
        ("JavaScript is a script.", "JavaScript 是一种 script。"),
        ("The USB hub", "USB 集线器"),
        ("Internationalization of Ann", "安的ion"),
        ("os.path", "os.path"),
        ("Tom met Mary in Boston.", "Tom 在 Boston 遇见了 Mary。"),
        ("The USB port", "USB 端口"),
        ("`git commit` makes a commit", "`git commit` 进行提交"),
        ("Visual Studio", "Visual Studio"),
        ("JSON", "JSON"),
        ("(c) (r) (tm)", "(c) (r) (tm)"),
        ("ok", "ok"),
        ("NASA", "NASA"),
        ("Use the bytearray type", "使用 bytearray 类型"),
        ("See https://example.org/some/long/path", "请看 https://example.org/some/long/path"),
    ],
    "placeholder_mismatch": [
        ("Hello {name}, {name}", "{name}，你好，{name}"),
        ("Wait %d of %d seconds", "等待 %d 秒，共 %d 秒"),
        ("It costs £75", "要75英镑"),
        ("20 °C", "20摄氏度"),
        ("See https://example.org/a.", "见 https://example.org/a。"),
        ("Run a.py, then a.py again", "运行 a.py 两次"),
        ("100% of it", "100%的它"),
        ("Save", "保存"),
    ],
    "negation_mismatch": [
        ("Do not open it.", "不要打开它。"),
        ("I have no time.", "我没时间。"),
        ("It failed without reason.", "它无故失败。"),
        ("The file is unavailable.", "文件不可用。"),
        ("This is not only good.", "这不仅好。"),
        ("If A then NOT B", "如果 A 则 NOT B"),
        ("Version no. 5", "版本 5"),
        ("Isn't it late?", "是不是很晚了？"),
        ("Have you ever been here?", "你有没有来过这里？"),
        ("Nothing but water", "只有水"),
        ("Returns None", "返回 None"),
        ("It will not run until then.", "直到那时它才会运行。"),
    ],
    "omission": [
        ("Open the file and save it.", "打开文件并保存。"),
        ("Yes", "是"),
        ("Stop! Now!", "停！现在！"),
        ('Localized (e.g. "Z Index") names of it', "本地化（例如“Z 索引”）的名称"),
        ("Smith et al. Found it, see vol. Two and pp. A to B", "史密斯等人发现了它参见第二卷"),
        ("Hi. OK?", "你好，好吗？"),
        ("Dr. Smith met Mr. Jones, e.g. in May.", "史密斯博士遇见了琼斯先生。"),
        ("Click OK. Then wait for it.", "单击“确定”，然后等待。"),
        ("Thank you very much indeed", "非常感谢你"),
        ("See sections 1. A and 2. B of it", "请参阅 1. A 和 2. B 节"),
    ],
}  # fmt: skip


def cases(table: Table) -> list[object]:
    return [
        pytest.param(warning, *pair, id=f"{warning}: {pair[0]} | {pair[1]}"[:80])
        for warning, pairs in table.items()
        for pair in pairs
    ]


def test_every_check_has_cases() -> None:
    of_numbers = {"number_mismatch"}  # have a file of their own
    assert CHECKS.keys() - of_numbers == NOTICED.keys() == UNNOTICED.keys()
    assert CHECKS.keys() | {"truncated", "low_confidence"} <= set(get_args(Warning))


@pytest.mark.parametrize(("warning", "source", "translation"), cases(NOTICED))
def test_noticed(warning: Warning, source: str, translation: str) -> None:
    assert CHECKS[warning](Pair(source, translation, EN_ZH))
    assert warning in warnings_of(Pair(source, translation, EN_ZH))


@pytest.mark.parametrize(("warning", "source", "translation"), cases(UNNOTICED))
def test_unnoticed(warning: Warning, source: str, translation: str) -> None:
    assert not CHECKS[warning](Pair(source, translation, EN_ZH))


@pytest.mark.parametrize(
    ("languages", "warning", "source", "translation", "expected"),
    [
        (("zh", "en"), "untranslated", "请看手册", "请看手册", True),
        (("zh", "en"), "untranslated", "请看手册", "See the manual", False),
        (("zh", "en"), "negation_mismatch", "不要打开它。", "Open it.", True),
        (("zh", "en"), "negation_mismatch", "打开它。", "Don't open it.", True),
        (("zh", "en"), "negation_mismatch", "不同的文件", "different files", False),
        (("zh", "en"), "omission", "请先打开文件，然后保存文档，再关闭。", "Open.", True),
        (("en", "de"), "untranslated", "See the whole manual", "See the whole manual", True),
        (("en", "de"), "untranslated", "In the film an artist was in", "Im Film war in", False),
        (("en", "de"), "negation_mismatch", "Do not open it.", "Öffnen.", False),
        (("en", "de"), "omission", "Open the file and save the document.", "Öffnen.", True),
        (("en", "ja"), "omission", "Open the file and save the document.", "開く。", True),
        (
            ("en", "ja"),
            "omission",
            "Open the file and save it.",
            "ファイルを開いて保存します。",
            False,
        ),
        (("ru", "zh"), "untranslated", "открой файл", "открой файл", True),
        (("ja", "zh"), "untranslated", "東京大学", "東京大学", False),
    ],
)
def test_other_languages(
    languages: tuple[str, str], warning: Warning, source: str, translation: str, expected: bool
) -> None:
    assert CHECKS[warning](Pair(source, translation, languages)) is expected


@pytest.mark.parametrize("warning", CHECKS.keys() - {"number_mismatch"})
@pytest.mark.parametrize(
    "unit",
    [*('"', "。", "ab", "a ", "A ", "no ", "not ", "不", " ", "\n", "a, ", "A. B", "{", "[[", "%"),
     *("`", "<", "&#1", ":a", "http://", "\u0301", "😀", "x.y", "{a}", "n't ")],
)  # fmt: skip
def test_time_grows_with_the_text(warning: Warning, unit: str) -> None:
    assert grows_linearly(lambda text: CHECKS[warning](Pair(text, text[:-3], EN_ZH)), unit)
    assert grows_linearly(lambda text: CHECKS[warning](Pair("x", text, EN_ZH)), unit)
