"""`seqserve models`: the bundles of a folder, their files verified, or the models of a server."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from seqserve.choices import ModelAction
from seqserve.cli.options import AsJson, BundlesDir
from seqserve.cli.progress import bar
from seqserve.cli.reporting import FAILED, command_line, reported

_CHANGE_S = 3600.0  # a large model may load for minutes

if TYPE_CHECKING:
    from collections.abc import Iterator

    from seqserve.bundle import Bundle


def models(  # noqa: PLR0913, PLR0917 - one parameter an option
    action: Annotated[
        ModelAction | None,
        typer.Argument(help="change the models of the server at --url, its admin port"),
    ] = None,
    model: Annotated[
        str | None, typer.Argument(help="to load or unload: NAME or NAME@VERSION")
    ] = None,
    bundles: BundlesDir = Path("bundles"),
    tasks: Annotated[
        str | None,
        typer.Option(envvar="SEQSERVE_TASKS", help="only these tasks, such as ner,sentiment"),
    ] = None,
    verify: Annotated[
        bool, typer.Option("--verify", help="load every model and compare its golden cases")
    ] = False,
    as_json: AsJson = False,
    url: Annotated[
        str | None, typer.Option("--url", "--server", help="server to ask instead of a folder")
    ] = None,
    api_key_file: Annotated[
        Path | None, typer.Option(help="file of the server's key; CLIENT_API_KEY if not set")
    ] = None,
) -> None:
    """List the models of a folder, with the hash of every file verified, or those of a server; or change those.

    Exit codes: 0 all are complete; 1 a bundle is damaged or could not be loaded, or there is no such folder, or
    the server does not answer; 2 wrong command line.
    """
    if action is not None:
        _change(action, model, url, api_key_file)
        return
    with reported(), command_line():
        found = list(
            _of_folder(bundles, verify=verify) if url is None else _of_server(url, api_key_file)
        )
    if tasks is not None:
        chosen = {one.strip() for one in tasks.split(",")}
        found = [one for one in found if one.get("task", "") in {*chosen, ""}]
    if as_json:
        typer.echo(json.dumps({"models": found}, indent=2, ensure_ascii=False))
    for one in found:
        if "fault" in one:
            typer.echo(f"seqserve: {one['fault']}", err=True)
        elif not as_json:
            typer.echo(_line(one))
    if any("fault" in one for one in found):
        raise typer.Exit(FAILED)


def _change(
    action: ModelAction, model: str | None, url: str | None, api_key_file: Path | None
) -> None:
    """Change the models of a server, and report what changed."""
    from seqserve.cli.server_key import read_key
    from seqserve.client import Client
    from seqserve.errors import ConfigError

    with reported(), command_line():
        if url is None:
            raise ConfigError(f"{action}: name the admin port of a server with --url")
        with Client(url, api_key=read_key(api_key_file), timeout_s=_CHANGE_S) as client:
            found = client.change_models(action, model)
    faults = []
    for task, one in found.items():
        lines = [f"{name} loaded" for name in one.loaded]
        lines += [f"{name} unloading" for name in one.unloading]
        for line in lines:
            typer.echo(f"{task}: {line}")
        faults += [f"{task}: {name} failed: {reason}" for name, reason in one.failed.items()]
        faults += [f"{task}: {one.fault}"] if one.fault else []
    if not found:
        typer.echo("nothing to change")
    for fault in faults:
        typer.echo(f"seqserve: {fault}", err=True)
    if faults:
        raise typer.Exit(FAILED)


def _line(model: dict[str, Any]) -> str:
    """Return the line of a model; of a server, with its state and whether it is the default."""
    words = [model[name] for name in ("name", "version", "task", "precision")]
    if "state" in model:
        words.append(model["state"] + (f" ({model['reason']})" if model["reason"] else ""))
        words += ["default"] if model["is_default"] else []
        if (n_bytes := model["memory_bytes"]) is not None:
            words.append(f"{n_bytes / 2**20:.0f} MiB")
    return " ".join(words)


def _of_folder(bundles: Path, *, verify: bool) -> Iterator[dict[str, Any]]:
    """Describe every bundle of a folder, or what is wrong with it.

    Raises:
        BundleError: There is no such folder.
    """
    from seqserve.bundle import load_bundle
    from seqserve.bundle_folder import bundles_at
    from seqserve.errors import BundleError, SeqserveError
    from seqserve.model_info import model_id

    read = _with_golden_cases if verify else load_bundle
    if not bundles.is_dir():
        raise BundleError(f"{bundles} is not a directory; name one with --bundles")
    paths = [path for top in sorted(bundles.glob("[!.]*/")) for path in bundles_at(top) or [top]]
    with bar("verify", len(paths)) as advance:
        for n_done, path in enumerate(paths, 1):
            try:
                bundle = read(path)
            except SeqserveError as error:
                yield {"path": str(path), "fault": str(error)}
            else:
                said = bundle.manifest
                yield {
                    "path": str(path),
                    "id": model_id(said.name, said.version),
                    "name": said.name,
                    "version": said.version,
                    "task": said.task,
                    "languages": list(said.languages),
                    "language_pairs": [list(pair) for pair in said.language_pairs],
                    "labels": list(said.labels),
                    "precision": said.precision,
                    "sha256": bundle.sha256,
                    "limits": said.limits,
                    "thresholds": said.thresholds,
                    "metrics": said.metrics,
                }
            advance(n_done, path.name)


def _with_golden_cases(path: Path) -> Bundle:
    from seqserve.runtime import check_golden, open_engine

    engine = open_engine(path)
    check_golden(engine)
    return engine.bundle


def _of_server(url: str, api_key_file: Path | None) -> Iterator[dict[str, Any]]:
    from seqserve.cli.server_key import read_key
    from seqserve.client import Client

    with Client(url, api_key=read_key(api_key_file)) as client:
        for model in client.models():
            yield {
                "id": model.id,
                "state": model.state,
                "reason": model.reason,
                "is_default": model.is_default,
                "memory_bytes": model.memory_bytes,
                "name": model.name,
                "version": model.version,
                "task": model.task,
                "languages": list(model.languages),
                "language_pairs": [list(pair) for pair in model.language_pairs],
                "labels": list(model.labels),
                "precision": model.precision,
                "sha256": model.sha256,
                "limits": dict(model.limits),
                "thresholds": dict(model.thresholds),
                "metrics": dict(model.metrics),
            }
