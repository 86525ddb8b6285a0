"""The options that all tasks of `seqserve predict` share, written once: a dataclass that becomes parameters."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Annotated, Any, Literal, get_type_hints

import typer

from seqserve.cli.server_key import KEY_VARIABLE

IN, OUT, WHO = "Input", "Output", "What answers"


def _option(panel: str, text: str, *names: str, **more: Any) -> Any:
    return typer.Option(*names, help=text, rich_help_panel=panel, **more)


@dataclass(frozen=True)
class Files:
    """Where texts come from, where answers go, and what gives them; see the help of each."""

    input: Annotated[
        Path | None, typer.Argument(help="file of texts; none, or -, is standard input")
    ] = None
    input_format: Annotated[
        Literal["text", "jsonl", "csv"] | None,
        _option(IN, "by the file's suffix if not set, else text", "--from"),
    ] = None
    field: Annotated[str, _option(IN, "field or column of the text, in jsonl and csv")] = "text"
    out: Annotated[Path | None, _option(OUT, "file; standard output if not set", "--out", "-o")] = (
        None
    )
    output_format: Annotated[
        Literal["jsonl", "csv", "conll"] | None,
        _option(OUT, "by the file's suffix if not set, else jsonl", "--to"),
    ] = None
    keep: Annotated[
        list[str] | None,
        _option(OUT, "field of the input to put into the output, NAME or NAME:NEW_NAME; repeat"),
    ] = None
    resume: Annotated[bool, _option(OUT, "go on with OUT where it stopped", "--resume")] = False
    rejected: Annotated[
        Path | None,
        _option(OUT, "file of lines without an answer; OUT.rejected.jsonl, or standard error"),
    ] = None
    as_json: Annotated[bool, _option(OUT, "say as JSON what was done", "--json")] = False
    engine: Annotated[
        Literal["local", "ray"], _option(WHO, "this machine, or a Ray cluster: docs/cli.md")
    ] = "local"
    bundles: Annotated[
        Path | None, _option(WHO, "folder of bundles; SEQSERVE_BUNDLES_DIR if not set")
    ] = None
    workers: Annotated[
        int | None, _option(WHO, "processes, or requests at a time; CPUs, or 4, if not set", min=1)
    ] = None
    window: Annotated[
        int | None, _option(WHO, "records that are read before they are answered", min=1)
    ] = None
    url: Annotated[
        str | None, _option(WHO, "server that answers, such as http://localhost:3000")
    ] = None
    api_key_file: Annotated[
        Path | None, _option(WHO, f"file of the server's key; {KEY_VARIABLE} if not set")
    ] = None
    timeout_s: Annotated[
        float, _option(WHO, "of one request to the server, its repetitions included", min=0.1)
    ] = 300.0


def with_files(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command whose first parameter is `Files` the options of it."""
    own = inspect.signature(command, eval_str=True).parameters
    first, *others = own.values()
    hints = get_type_hints(Files, include_extras=True)
    shared = [
        first.replace(
            name=one.name,
            kind=inspect.Parameter.KEYWORD_ONLY,
            default=one.default,
            annotation=hints[one.name],
        )
        for one in fields(Files)
    ]
    keywords = [one.replace(kind=inspect.Parameter.KEYWORD_ONLY) for one in others]

    def run(**given: Any) -> None:
        files = Files(**{one.name: given.pop(one.name) for one in fields(Files)})
        command(files, **given)

    parameters = [*shared, *keywords]
    run.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    run.__annotations__ = {one.name: one.annotation for one in parameters}
    run.__name__, run.__doc__ = command.__name__, command.__doc__
    return run
