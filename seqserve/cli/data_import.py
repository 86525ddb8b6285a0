"""`seqserve data import`: the export of an annotation tool as a data set."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from seqserve.choices import AnnotationFormat, OffsetUnit
from seqserve.cli.options import AsJson
from seqserve.cli.reporting import command_line, reported
from seqserve.quoting import cut

if TYPE_CHECKING:
    from seqserve.datasets.annotations.examples import Languages
    from seqserve.datasets.annotations.options import LabelOptions


def import_set(  # noqa: PLR0913, PLR0917 - one parameter an option
    format: Annotated[
        AnnotationFormat, typer.Argument(help="the tool, or the format, of the files")
    ],
    files: Annotated[list[Path], typer.Argument(help="files of the export")],
    out: Annotated[Path, typer.Option(help="folder of the data set, such as data/tickets")],
    task: Annotated[
        Literal["ner", "sentiment", "classification", "translation"] | None,
        typer.Option(
            help="what a model shall learn; needed if the export has labels of several tasks"
        ),
    ] = None,
    split: Annotated[str, typer.Option(help="percentages of train, dev and test")] = "80/10/10",
    language: Annotated[str, typer.Option(help="language of the sentence splitter")] = "en",
    pair: Annotated[
        str, typer.Option(help="of translations: source and target language, such as en,de")
    ] = "",
    field: Annotated[str, typer.Option(help="field with the text")] = "",
    document: Annotated[
        str, typer.Option(help="field with the name of the document, which no split divides")
    ] = "",
    control: Annotated[
        str, typer.Option(help="of Label Studio: name of the control whose results count")
    ] = "",
    annotator: Annotated[
        str,
        typer.Option(
            help="number, address or session of the annotator who counts; default: the newest"
        ),
    ] = "",
    labels: Annotated[
        str, typer.Option(help="all labels of the data set, such as PER,ORG; others are an error")
    ] = "",
    rename: Annotated[
        list[str] | None,
        typer.Option(help="Person=PER renames a label, Person= leaves it out; repeatable"),
    ] = None,
    offset_unit: Annotated[
        OffsetUnit | None,
        typer.Option(help="what offsets count; default: what the tool counts"),
    ] = None,
    columns: Annotated[
        str, typer.Option(help="of conll: columns of token and tag, from 1, or from -1 at the end")
    ] = "1,-1",
    encoding: Annotated[str, typer.Option(help="encoding of the files")] = "utf-8",
    replace: Annotated[
        bool, typer.Option("--replace", help="replace an earlier import in the folder")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Convert the export of an annotation tool to a data set that `seqserve train` reads.

    Prints what was read, left out and changed, and why. A malformed export is an error with its line, and
    nothing is written.
    """
    from seqserve.datasets.annotations.options import ReadOptions
    from seqserve.datasets.annotations.run import ImportRequest, import_annotations
    from seqserve.datasets.annotations.splits import read_shares

    with reported():
        with command_line():
            request = ImportRequest(
                format,
                files,
                out,
                ReadOptions(task, field, document, control, offset_unit, _columns(columns)),
                _labels(labels, rename or []),
                _languages(language, pair),
                annotator,
                read_shares(split),
                encoding,
                replace,
            )
        imported = import_annotations(request)
    if as_json:
        typer.echo(json.dumps(imported.to_mapping(), ensure_ascii=False))
        return
    typer.echo("\n".join([*imported.lines(), f"wrote: {out}"]))


def _columns(text: str) -> tuple[int, int]:
    """Return the numbers of two columns.

    Raises:
        ConfigError: They are none.
    """
    from seqserve.errors import ConfigError

    try:
        token, tag = (int(part) for part in text.split(","))
    except ValueError:
        token = tag = 0
    if not token or not tag or token == tag:
        raise ConfigError(
            f"--columns is {cut(text)!r}; it must be two numbers but 0, such as 1,-1 or 2,3"
        )
    return token, tag


def _labels(allowed: str, renamed: list[str]) -> LabelOptions:
    """Return which labels the data set has.

    Raises:
        ConfigError: A new name is missing its old one.
    """
    from seqserve.datasets.annotations.options import LabelOptions
    from seqserve.errors import ConfigError

    names = {}
    for one in renamed:
        old, equals, new = one.rpartition("=")
        if not old or not equals:
            raise ConfigError(
                f"--rename is {cut(one)!r}; it must be OLD=NEW, or OLD= to leave a label out"
            )
        names[old] = new.strip()
    return LabelOptions(names, tuple(one.strip() for one in allowed.split(",") if one.strip()))


def _languages(sentences: str, pair: str) -> Languages:
    """Return the languages of the texts.

    Raises:
        ConfigError: One is no code, or there are not two of translations.
    """
    from seqserve.datasets.annotations.examples import Languages
    from seqserve.errors import ConfigError
    from seqserve.text.languages import language_tag

    sides = [language_tag(one.strip()) for one in pair.split(",")] if pair else []
    if pair and (len(sides) != 2 or None in sides or sides[0] == sides[1]):
        raise ConfigError(f"--pair is {cut(pair)!r}; it must be two BCP 47 codes, such as en,de")
    if sentences and language_tag(sentences) is None:
        raise ConfigError(f"--language is {cut(sentences)!r}; it must be a BCP 47 code, such as en")
    return Languages(sentences, tuple(str(side) for side in sides))
