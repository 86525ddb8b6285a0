"""The options that all tasks of `seqserve predict` share: a dataclass that becomes parameters."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Annotated, Any, Literal, get_type_hints

import typer

from seqserve.choices import OnBlank
from seqserve.cli.server_key import KEY_VARIABLE

IN, OUT, WHO = "Input", "Output", "Where to predict"


def _option(panel: str, text: str, *names: str, **more: Any) -> Any:
    return typer.Option(*names, help=text, rich_help_panel=panel, **more)


@dataclass(frozen=True)
class Options:
    """Input, output, and where to predict; see the help of each option."""

    input: Annotated[
        list[Path] | None,
        typer.Argument(help="files of texts, .gz too; none, or -, is standard input"),
    ] = None
    input_format: Annotated[
        Literal["text", "jsonl", "csv", "tsv", "html", "markdown", "srt", "vtt", "po", "json"]
        | None,
        _option(IN, "format; default by the file's suffix, or else text", "--from"),
    ] = None
    field: Annotated[str, _option(IN, "field or column of the text, in jsonl, csv and tsv")] = (
        "text"
    )
    delimiter: Annotated[
        str | None, _option(IN, "between columns, such as ';'; default , in csv and a tab in tsv")
    ] = None
    encoding: Annotated[str, _option(IN, "such as UTF-16, latin-1, cp1252, gb18030")] = "UTF-8"
    on_blank: Annotated[
        OnBlank,
        _option(IN, "texts without a visible character: an empty result, or rejected"),
    ] = "error"
    limit: Annotated[int | None, _option(IN, "stop after this many records", min=1)] = None
    out: Annotated[Path | None, _option(OUT, "file; default standard output", "--out", "-o")] = None
    output_format: Annotated[
        Literal["jsonl", "csv", "conll"] | None,
        _option(OUT, "format; default by the suffix of OUT, or else jsonl", "--to"),
    ] = None
    keep: Annotated[
        list[str] | None,
        _option(OUT, "copy a field of the input to the output, NAME or NAME:NEW_NAME; repeatable"),
    ] = None
    resume: Annotated[
        bool, _option(OUT, "continue OUT where an earlier run stopped", "--resume")
    ] = False
    rejected: Annotated[
        Path | None,
        _option(OUT, "file of rejected lines; default OUT.rejected.jsonl, or standard error"),
    ] = None
    as_json: Annotated[
        bool, _option(OUT, "report the run as JSON on standard output", "--json")
    ] = False
    engine: Annotated[
        Literal["local", "ray"], _option(WHO, "this machine, or a Ray cluster: docs/cli.md")
    ] = "local"
    model: Annotated[
        str | None,
        _option(WHO, "NAME or NAME@VERSION; default: the one with the languages, or the default"),
    ] = None
    bundles: Annotated[
        Path | None, _option(WHO, "folder of bundles; SEQSERVE_BUNDLES_DIR, or else bundles")
    ] = None
    workers: Annotated[
        int | None,
        _option(
            WHO, "processes, default one per CPU; with --url concurrent requests, default 4", min=1
        ),
    ] = None
    window: Annotated[int | None, _option(WHO, "records per window", min=1)] = None
    url: Annotated[
        str | None,
        _option(WHO, "server that predicts, such as http://localhost:3000", "--url", "--server"),
    ] = None
    api_key_file: Annotated[
        Path | None, _option(WHO, f"file with the API key of the server; default {KEY_VARIABLE}")
    ] = None
    timeout_s: Annotated[
        float, _option(WHO, "seconds per request to the server, retries included", min=0.1)
    ] = 300.0


def with_options(command: Callable[..., None]) -> Callable[..., None]:
    """Add the fields of `Options` to a command whose first parameter is `Options`."""
    own = inspect.signature(command, eval_str=True).parameters
    first, *others = own.values()
    hints = get_type_hints(Options, include_extras=True)
    shared = [
        first.replace(
            name=one.name,
            kind=inspect.Parameter.KEYWORD_ONLY,
            default=one.default,
            annotation=hints[one.name],
        )
        for one in fields(Options)
    ]
    keywords = [one.replace(kind=inspect.Parameter.KEYWORD_ONLY) for one in others]

    def run(**given: Any) -> None:
        options = Options(**{one.name: given.pop(one.name) for one in fields(Options)})
        command(options, **given)

    parameters = [*shared, *keywords]
    run.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    run.__annotations__ = {one.name: one.annotation for one in parameters}
    run.__name__, run.__doc__ = command.__name__, command.__doc__
    return run
