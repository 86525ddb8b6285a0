"""`seqserve predict ner|sentiment|classify|translate`: files of texts in, a file of predictions out."""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from seqserve.choices import Aggregation, LineBreaks, OffsetUnit, TextFormat
from seqserve.cli.app import App
from seqserve.cli.predicting.options import Options, with_options
from seqserve.cli.progress import bar
from seqserve.cli.reporting import (
    FAILED,
    INTERRUPTED,
    REJECTED,
    TERMINATED,
    UNREAD,
    command_line,
    reported,
)

if TYPE_CHECKING:
    from seqserve.bulk.run import Totals
    from seqserve.cli.predicting.run_config import RunConfig
    from seqserve.cli.predicting.spec import Model
    from seqserve.tasks import Task

app = App(
    help=f"""Predict for every text of a file of any size: text, JSONL, CSV or TSV in, JSONL, CSV or CoNLL out.

    Exit codes: 0 success; 1 failure; 2 wrong command line; {REJECTED} complete, but some lines were rejected;
    {INTERRUPTED} Ctrl-C, and {TERMINATED} SIGTERM: --resume continues; {UNREAD} the output has no reader.
    """,
)


@app.command()
@with_options
def ner(
    options: Options,
    min_score: Annotated[
        float | None,
        typer.Option(help="minimum score of an entity; default: the model's threshold"),
    ] = None,
    label: Annotated[
        list[str] | None, typer.Option(help="only entities of this label; repeatable")
    ] = None,
    offset_unit: Annotated[
        OffsetUnit | None,
        typer.Option(help="unit of start and end; default codepoint"),
    ] = None,
    alternatives: Annotated[
        int | None, typer.Option(help="labelings per sentence, the most probable first")
    ] = None,
    aggregation: Annotated[
        Aggregation | None,
        typer.Option(help="how tags become entities; default viterbi, others for imported models"),
    ] = None,
) -> None:
    """Find named entities (NER)."""
    _predict(
        "ner",
        options,
        min_score=min_score,
        labels=label,
        offset_unit=offset_unit,
        alternatives=alternatives,
        aggregation=aggregation,
    )


@app.command()
@with_options
def sentiment(
    options: Options,
    sentences: Annotated[
        bool, typer.Option("--sentences", help="classify every sentence too")
    ] = False,
    neutral: Annotated[
        bool, typer.Option("--neutral", help="answer neutral too: three labels instead of two")
    ] = False,
    offset_unit: Annotated[
        OffsetUnit | None,
        typer.Option(help="unit of start and end of sentences; default codepoint"),
    ] = None,
) -> None:
    """Classify the sentiment of texts."""
    _predict(
        "sentiment",
        options,
        sentences=sentences or None,
        neutral=neutral or None,
        offset_unit=offset_unit,
    )


@app.command()
@with_options
def classify(
    options: Options,
    min_score: Annotated[
        float | None,
        typer.Option(help="minimum score of a label; default: the model's threshold"),
    ] = None,
    label: Annotated[
        list[str] | None, typer.Option(help="consider only this label; repeatable")
    ] = None,
    top: Annotated[
        int | None, typer.Option(help="only the scores of the n most probable labels")
    ] = None,
) -> None:
    """Classify texts."""
    _predict("classification", options, min_score=min_score, labels=label, top=top)


@app.command()
@with_options
def translate(  # noqa: PLR0913, PLR0917 - one parameter an option
    options: Options,
    source: Annotated[
        str | None, typer.Option(help="language of the texts, or auto to detect it")
    ] = None,
    target: Annotated[str | None, typer.Option(help="language to translate to")] = None,
    beam_size: Annotated[int | None, typer.Option(help="1 is greedy search")] = None,
    alternatives: Annotated[int | None, typer.Option(help="further translations per text")] = None,
    length_penalty: Annotated[float | None, typer.Option(help="of the beam search, 0 to 5")] = None,
    max_tokens: Annotated[
        int | None, typer.Option(help="most tokens of a translated sentence")
    ] = None,
    line_breaks: Annotated[
        LineBreaks | None,
        typer.Option(
            help="whether the lines of a paragraph are one; default auto: if they look wrapped"
        ),
    ] = None,
    format: Annotated[
        TextFormat | None,
        typer.Option(help="of the texts; markup is kept, and not translated"),
    ] = None,
    glossary: Annotated[
        str | None,
        typer.Option(
            help="JSON file of terms and targets, or the name of a glossary of the server"
        ),
    ] = None,
    do_not_translate: Annotated[
        list[str] | None, typer.Option(help="a word or phrase that is copied; repeatable")
    ] = None,
    min_score: Annotated[
        float | None, typer.Option(help="warn of low_confidence below; default: the model's")
    ] = None,
    segments: Annotated[
        bool, typer.Option("--segments", help="add the segments with spans, scores and warnings")
    ] = False,
    offset_unit: Annotated[
        OffsetUnit | None,
        typer.Option(help="unit of the spans; default codepoint"),
    ] = None,
) -> None:
    """Translate texts."""
    _predict(
        "translation",
        options,
        source=source,
        target=target,
        beam_size=beam_size,
        alternatives=alternatives,
        length_penalty=length_penalty,
        max_tokens=max_tokens,
        line_breaks=line_breaks,
        format=format,
        glossary=_terms(glossary),
        do_not_translate=do_not_translate or None,
        min_score=min_score,
        segments=segments or None,
        offset_unit=offset_unit,
    )


def _terms(glossary: str | None) -> Any:
    """Return the terms of a file, or else the name."""
    if glossary is None or not glossary.endswith(".json"):
        return glossary
    from seqserve.text.glossary import read_terms

    with reported(), command_line():
        return read_terms(Path(glossary))


def _predict(task: Task, options: Options, **values: Any) -> None:
    """Configure, execute and report one run."""
    from seqserve.cli.predicting.run_config import make_config

    asked = {name: value for name, value in values.items() if value is not None}
    if _predict_document(task, options, asked):
        return
    with reported(), command_line():
        config = make_config(task, options, asked)
    if options.engine == "ray":
        _predict_on_ray(config)
        return
    started = time.monotonic()
    with reported(), command_line(), _ending(options):
        model, totals = _run(config)
    report = {
        "model": model.name,
        "version": model.version,
        "answered": totals.n_answered,
        "rejected": totals.n_rejected,
        "blank": totals.n_blank,
        "seconds": round(time.monotonic() - started, 3),
    }
    _report(report, config)
    if totals.n_rejected:
        raise typer.Exit(REJECTED)


def _predict_document(task: Task, options: Options, asked: dict[str, Any]) -> bool:
    """Translate the input as a whole, and report it; return whether it is such a document."""
    from seqserve.cli.predicting.documents import document_format, predict_document

    with reported(), command_line():
        name = document_format(task, options)
        if name is None:
            return False
        with _ending(options):
            report, config = predict_document(name, options, asked)
    _report(report, config)
    if report["rejected"]:
        raise typer.Exit(REJECTED)
    return True


def _predict_on_ray(config: RunConfig) -> None:
    try:
        from seqserve.cli.predicting.cluster import run_on_ray
    except ImportError as error:
        typer.echo(
            f"seqserve: --engine ray needs Ray, which is not installed ({error}): "
            "pip install --constraint requirements/lock.txt --requirement requirements/ray.txt",
            err=True,
        )
        raise typer.Exit(FAILED) from None
    with reported(), command_line():
        run_on_ray(config)


def _run(config: RunConfig) -> tuple[Model, Totals]:
    """Predict for all records; return the model and the totals."""
    from seqserve.bulk.rows import row_maker
    from seqserve.bulk.run import Run
    from seqserve.cli.predicting.resuming import begin, fingerprint_of, require_model
    from seqserve.cli.predicting.run_config import open_input, open_models, open_sink

    task = config.spec.task
    with ExitStack() as stack:
        reader, n_bytes = stack.enter_context(open_input(config, begin(config)))
        _prompt(config)
        advance = stack.enter_context(bar(f"predict {task}", n_bytes))
        advance(0, "loading the model")
        model, submit = stack.enter_context(open_models(config))
        fingerprint = fingerprint_of(config, model)
        require_model(config, fingerprint)
        sink = stack.enter_context(open_sink(config, fingerprint))

        def tell(totals: Totals) -> None:
            words = f"{totals.n_done:,} records"
            if totals.n_rejected:
                words += f", {totals.n_rejected:,} rejected"
            advance(totals.n_bytes, words)

        row = row_maker(task, config.output_format, model.languages[0])
        return model, Run(reader, submit, row, sink, config.size, tell).finish()


_A_RECORD = {
    "text": "one text a line",
    "jsonl": "one JSON object a line",
    "csv": "the header, then one row a line",
    "tsv": "the header, then one row a line",
}


def _prompt(config: RunConfig) -> None:
    """Tell a person at a terminal what the command waits for."""
    for file in config.inputs:
        if file.path is None and sys.stdin.isatty():
            typer.echo(
                f"seqserve: reading from the terminal, {_A_RECORD[file.format]}; Ctrl-D ends the "
                "input. To read a file, name it",
                err=True,
            )


def _report(report: Mapping[str, Any], config: RunConfig) -> None:
    """Report on standard output as JSON, or on standard error in words."""
    rejected = str(config.rejected) if config.rejected else None
    if config.options.as_json:
        import json

        out = str(config.options.out)
        typer.echo(json.dumps({**report, "out": out, "rejected_file": rejected}))
        return
    words = f"seqserve: {report['answered']:,} answered, {report['rejected']:,} rejected"
    words += f" (see {rejected})" if report["rejected"] and rejected else ""
    words += f", {report['warned']:,} with warnings" if report.get("warned") else ""
    typer.echo(f"{words}, in {report['seconds']:.1f} s", err=True)


@contextmanager
def _ending(options: Options) -> Iterator[None]:
    """End as programs of a pipeline do: without a message if the reader is gone, in order on a signal."""

    def stop(number: int, _: object) -> None:
        raise SystemExit(128 + number)

    before = signal.signal(signal.SIGTERM, stop)
    try:
        yield
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # for buffered output
        raise SystemExit(UNREAD) from None
    except KeyboardInterrupt:
        more = "; --resume continues where it stopped" if options.out else ""
        typer.echo(f"seqserve: interrupted{more}", err=True)
        raise SystemExit(INTERRUPTED) from None
    finally:
        signal.signal(signal.SIGTERM, before)
