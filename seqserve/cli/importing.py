"""`seqserve import`: from a checkpoint directory to a verified bundle."""

from __future__ import annotations

import json
import re
import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from seqserve.cli.options import AsJson, BundlesDir
from seqserve.cli.reporting import command_line, reported
from seqserve.quoting import cut

if TYPE_CHECKING:
    from model_export.sources.huggingface import CheckpointSource
    from seqserve.bundle import Bundle


def import_checkpoint(  # noqa: PLR0913, PLR0917 - one parameter an option
    checkpoint: Annotated[
        Path,
        typer.Argument(help="directory of a Hugging Face checkpoint", metavar="DIR"),
    ],
    name: Annotated[
        str | None, typer.Option(help="name of the bundle; the directory's if not set")
    ] = None,
    version: Annotated[str, typer.Option(help="version of the bundle")] = "1",
    bundles: BundlesDir = Path("bundles"),
    out: Annotated[
        Path | None, typer.Option(help="directory of the bundle, instead of BUNDLES/NAME")
    ] = None,
    languages: Annotated[
        str,
        typer.Option(
            help="languages of the texts, such as en or en,de; mul: many; of a translator en,fr"
        ),
    ] = "",
    precision: Annotated[
        Literal["int8", "fp32"], typer.Option(help="type of weights and matrix products")
    ] = "int8",
    calibrate: Annotated[
        Path | None,
        typer.Option(help="typical texts (.txt or .jsonl), from which int8 scales are measured"),
    ] = None,
    check: Annotated[
        list[Path] | None,
        typer.Option(help="labelled file that the bundle is measured on; repeatable"),
    ] = None,
    licence: Annotated[
        str, typer.Option(help="licence of the weights, instead of that in the README.md")
    ] = "",
    as_json: AsJson = False,
) -> None:
    """Import a Hugging Face checkpoint as a verified bundle.

    Reads *.safetensors, JSON and text files; runs no code of the checkpoint and downloads nothing.
    """
    from model_export.checkpoints.base import ImportOptions
    from model_export.checkpoints.directory import checkpoint_name, read_checkpoint
    from model_export.pipeline import export, refuse_existing
    from model_export.sources.huggingface import CheckpointSource, ImportRequest
    from seqserve.evaluation.labelled_files import require_files
    from seqserve.files import as_typed

    with reported():
        with command_line():
            named = _bundle_name(name, checkpoint_name(checkpoint))
            _require_plain("--version", version)
            codes = _language_codes(languages)
        directory = out or bundles / named
        refuse_existing(directory)
        checks = tuple(check or ())
        require_files(checks)
        options = ImportOptions(precision, codes, _texts(calibrate, precision))
        _tell(f"read {checkpoint}")
        source = CheckpointSource(
            read_checkpoint(checkpoint),
            ImportRequest(named, version, licence, options, checks),
            _tell,
        )
        bundle = export(source, directory, precision)
    _show(bundle, source, as_typed(directory), as_json=as_json)


def _tell(step: str) -> None:
    typer.echo(f"import: {step}", err=True)


def _bundle_name(given: str | None, of_checkpoint: str) -> str:
    """Return the name of the bundle: as given, or that of the checkpoint without its organisation.

    Raises:
        ConfigError: The given name is not plain, or none can be made.
    """
    from seqserve.bundle import ID_RULE, is_plain_id
    from seqserve.errors import ConfigError

    if given is not None:
        _require_plain("--name", given)
        return given
    last = of_checkpoint.rpartition("/")[2]
    plain = re.sub(r"[^A-Za-z0-9._-]+", "-", last).strip("-._")
    if not is_plain_id(plain):
        raise ConfigError(f"no name can be made of {cut(of_checkpoint)!r}: set --name; {ID_RULE}")
    return plain


def _require_plain(option: str, given: str) -> None:
    """Raises ConfigError: requests could not name a model like this."""
    from seqserve.bundle import ID_RULE, is_plain_id
    from seqserve.errors import ConfigError

    if not is_plain_id(given):
        raise ConfigError(f"{option} is {cut(given)!r}; {ID_RULE}")


def _language_codes(languages: str) -> tuple[str, ...]:
    """Return the codes of a list, in their shortest form.

    Raises:
        ConfigError: One is no code of a language.
    """
    from seqserve.errors import ConfigError
    from seqserve.text.languages import MANY_LANGUAGES, language_tag

    codes = [one.strip() for one in languages.split(",")] if languages.strip() else []
    tags = []
    for code in codes:
        tag = code if code == MANY_LANGUAGES else language_tag(code)
        if tag is None:
            raise ConfigError(
                f"--languages has {code!r}; it is a list of BCP 47 codes, such as en or en,de, or "
                f"{MANY_LANGUAGES} for many"
            )
        tags.append(tag)
    return tuple(dict.fromkeys(tags))


def _texts(file: Path | None, precision: str) -> tuple[str, ...]:
    """Return the texts that int8 is calibrated on.

    Raises:
        DataError: The file is missing or malformed, or has no text.
        ConfigError: Nothing is calibrated in fp32.
    """
    from seqserve.errors import ConfigError, DataError
    from seqserve.training.data import read_unlabelled

    if file is None:
        return ()
    if precision != "int8":
        raise ConfigError("--calibrate has no effect with --precision fp32: leave one of them out")
    texts = tuple(text for text in read_unlabelled(Path(), str(file)) if text.strip())
    if not texts:
        raise DataError(f"{file} has no texts to calibrate on")
    return texts


def _show(bundle: Bundle, source: CheckpointSource, path: str, *, as_json: bool) -> None:
    """Show what was made, what the user should know, and what comes next."""
    said = bundle.manifest
    if as_json:
        made = {
            "bundle": path,
            "name": said.name,
            "version": said.version,
            "task": said.task,
            "languages": list(said.languages),
            "labels": list(said.labels),
            "precision": said.precision,
            "licence": said.licence,
            "metrics": said.metrics,
            "difference": source.difference,
            "warnings": source.warnings,
        }
        typer.echo(json.dumps(made, indent=2, ensure_ascii=False))
        return
    for warning in source.warnings:
        typer.echo(f"warning  {warning}", err=True)
    languages = ", ".join(
        "→".join(pair) for pair in said.language_pairs or ((one,) for one in said.languages)
    )
    typer.echo(f"bundle   {path}: {said.name} {said.version}, {said.precision}")
    labels = f"; labels {', '.join(said.labels)}" if said.labels else ""
    typer.echo(f"task     {said.task}; languages {languages}{labels}")
    if source.difference is not None:
        typer.echo(f"verified {source.difference:.1e} from transformers at most, in fp32")
    for name, value in said.metrics.items():
        typer.echo(f"metric   {name} {value:g}")
    typer.echo(f"next     seqserve serve --bundles {shlex.quote(str(Path(path).parent))}")
