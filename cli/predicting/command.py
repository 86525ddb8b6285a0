"""`seqserve predict ner|sentiment|translate`: a file of texts in, a file of answers out."""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from cli.predicting.options import Files, with_files
from cli.progress import bar
from cli.reporting import FAILED, INTERRUPTED, REJECTED, TERMINATED, UNREAD, command_line, reported

if TYPE_CHECKING:
    from cli.predicting.plan import Plan
    from seqserve.bulk.run import Totals
    from seqserve.tasks import Task

app = typer.Typer(
    no_args_is_help=True,
    help=f"""Answer the texts of a file, of any size: text, JSONL or CSV in, JSONL, CSV or CoNLL out.

    Exit codes: 0 all answered; 1 the work failed; 2 the command line was wrong; {REJECTED} done, some
    lines were rejected; {INTERRUPTED} Ctrl-C, and {TERMINATED} SIGTERM: --resume goes on; {UNREAD} nobody reads
    the output any more.
    """,
)


@app.command()
@with_files
def ner(
    files: Files,
    min_score: Annotated[
        float | None, typer.Option(help="keep entities with at least this score")
    ] = None,
    label: Annotated[list[str] | None, typer.Option(help="keep only this label; repeat")] = None,
    offset_unit: Annotated[
        Literal["codepoint", "utf16", "byte"] | None, typer.Option(help="of start and end")
    ] = None,
) -> None:
    """Find names."""
    _predict("ner", files, min_score=min_score, labels=label, offset_unit=offset_unit)


@app.command()
@with_files
def sentiment(
    files: Files,
    sentences: Annotated[
        bool, typer.Option("--sentences", help="judge every sentence as well")
    ] = False,
) -> None:
    """Judge the tone."""
    _predict("sentiment", files, sentences=sentences or None)


@app.command()
@with_files
def translate(  # noqa: PLR0913, PLR0917 - one parameter an option
    files: Files,
    source: Annotated[str | None, typer.Option(help="language of the texts")] = None,
    target: Annotated[str | None, typer.Option(help="language to translate to")] = None,
    beam_size: Annotated[int | None, typer.Option(help="1 is greedy search")] = None,
    alternatives: Annotated[int | None, typer.Option(help="runners-up to give")] = None,
    length_penalty: Annotated[float | None, typer.Option(help="0 to 5")] = None,
    max_tokens: Annotated[int | None, typer.Option(help="of a sentence's translation")] = None,
) -> None:
    """Translate."""
    _predict(
        "translation",
        files,
        source=source,
        target=target,
        beam_size=beam_size,
        alternatives=alternatives,
        length_penalty=length_penalty,
        max_tokens=max_tokens,
    )


def _predict(task: Task, files: Files, **options: Any) -> None:
    """Plan, do and report one run."""
    from cli.predicting.plan import make_plan

    asked = {name: value for name, value in options.items() if value is not None}
    with reported(), command_line():
        plan = make_plan(task, files, asked)
    if files.engine == "ray":
        _predict_on_ray(plan)
        return
    started = time.monotonic()
    with reported(), command_line(), _ending(plan):
        model, totals = _run(plan)
    said = {
        "model": model.name,
        "version": model.version,
        "answered": totals.n_answered,
        "rejected": totals.n_rejected,
        "blank": totals.n_blank,
        "seconds": round(time.monotonic() - started, 3),
    }
    _say(said, plan)
    if totals.n_rejected:
        raise typer.Exit(REJECTED)


def _predict_on_ray(plan: Plan) -> None:
    try:
        from cli.predicting.cluster import run_on_ray
    except ImportError as error:
        typer.echo(
            f"seqserve: --engine ray needs Ray, which is not installed ({error}): "
            "pip install --constraint requirements/lock.txt --requirement requirements/ray.txt",
            err=True,
        )
        raise typer.Exit(FAILED) from None
    with reported(), command_line():
        run_on_ray(plan)


def _run(plan: Plan) -> tuple[Any, Totals]:
    """Answer everything; gives the model and how much was done."""
    from cli.predicting.plan import open_input, open_models, open_sink
    from seqserve.bulk.rows import row_maker
    from seqserve.bulk.run import Run

    with ExitStack() as stack:
        reader, n_bytes = stack.enter_context(open_input(plan))
        sink = stack.enter_context(open_sink(plan))
        model, submit = stack.enter_context(open_models(plan))
        advance = stack.enter_context(bar(f"predict {plan.job.name}", n_bytes))

        def tell(totals: Totals) -> None:
            words = f"{totals.n_answered:,} answered, {totals.n_rejected:,} rejected"
            advance(totals.n_bytes, words)

        row = row_maker(plan.job.name, plan.output_format, model.languages[0])
        return model, Run(reader, submit, row, sink, plan.size, tell).finish()


def _say(said: Mapping[str, Any], plan: Plan) -> None:
    """Report on stdout as JSON, or on stderr in words."""
    if plan.files.as_json:
        import json

        typer.echo(json.dumps({**said, "out": str(plan.files.out), "rejected_file": _where(plan)}))
        return
    words = f"seqserve: {said['answered']:,} answered, {said['rejected']:,} rejected"
    words += f" (see {_where(plan)})" if said["rejected"] and plan.rejected else ""
    typer.echo(f"{words}, in {said['seconds']:.1f} s", err=True)


def _where(plan: Plan) -> str | None:
    return str(plan.rejected) if plan.rejected else None


@contextmanager
def _ending(plan: Plan) -> Iterator[None]:
    """End as programs of a pipeline do: silently without a reader, in order when they are told to stop."""

    def stop(number: int, _: object) -> None:
        raise SystemExit(128 + number)

    before = signal.signal(signal.SIGTERM, stop)
    try:
        yield
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # for what is still buffered
        raise SystemExit(UNREAD) from None
    except KeyboardInterrupt:
        more = "; --resume goes on where it stopped" if plan.files.out else ""
        typer.echo(f"seqserve: interrupted{more}", err=True)
        raise SystemExit(INTERRUPTED) from None
    finally:
        signal.signal(signal.SIGTERM, before)
