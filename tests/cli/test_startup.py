"""Imports of every `seqserve` command: only those of the list below, because they delay the start."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest
import shellingham  # type: ignore[import-untyped]
from typer.testing import CliRunner

from seqserve.cli.main import app

ROOT = Path(__file__).parents[2]
OURS = {
    *("seqserve", "seqserve.choices", "seqserve.errors", "seqserve.quoting", "seqserve.cli"),
    *(
        f"seqserve.cli.{name}"
        for name in (
            *(
                "app",
                "checkout",
                "data",
                "data_import",
                "environment",
                "keys",
                "main",
                "models",
                "options",
            ),
            *("predicting", "predicting.command", "predicting.options", "progress", "reporting"),
            *("importing", "server_key", "serving", "training", "vectors", "vectors_training"),
            *("dev", "dev.baselines", "dev.bench", "dev.bench_bulk", "dev.cards", "dev.endurance"),
            *("dev.interpolation", "dev.load", "dev.reference", "dev.zoo"),
        )
    ),
}
THEIRS = {"typer", "annotated_doc", "shellingham", "typing_extensions"}

_SHOW = """
import sys
before = set(sys.modules)
{code}
found = {{name for name in set(sys.modules) - before if name.split(".")[0] not in sys.stdlib_module_names}}
print(*sorted(found), sep="\\n")
"""


def imported(code: str) -> set[str]:
    done = subprocess.run(
        [sys.executable, "-c", _SHOW.format(code=code)],
        check=True,
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
    )
    return set(done.stdout.split())


def test_the_command_line_imports_only_typer_and_itself() -> None:
    found = imported("import seqserve.cli.main")
    tops = ("seqserve", "service", "benchmarks", "loadtest", "model_export")
    ours = {name for name in found if name.split(".")[0] in tops}
    assert ours == OURS
    theirs = {name.split(".")[0] for name in found - ours if not name.startswith("_")}
    assert theirs <= THEIRS, theirs - THEIRS


HEAVY = {
    *("torch", "numpy", "onnxruntime", "bentoml", "pydantic", "pydantic_settings", "tokenizers"),
    *("cattrs", "orjson", "structlog", "prometheus_client", "regex", "sentencex", "httpx"),
    *("matplotlib", "locust", "ray", "psutil", "gensim", "sklearn", "starlette", "opentelemetry"),
}
BY_TYPER = {"pydantic"}  # it reads the values of options with it
QUICK: dict[str, tuple[list[str], set[str]]] = {
    "help": (["--help"], set()),
    "help of predict": (["predict", "ner", "--help"], BY_TYPER),
    "completion": (["--show-completion", "bash"], BY_TYPER),
    "sources": (["data", "sources"], BY_TYPER | {"cattrs"}),
    "help of vectors": (["vectors", "train", "--help"], BY_TYPER),
    "models": (["models", "--bundles", "bundles"], BY_TYPER | {"cattrs"}),
}


@pytest.mark.parametrize(("words", "needed"), QUICK.values(), ids=QUICK)
def test_commands_import_what_they_need(words: list[str], needed: set[str]) -> None:
    code = (
        "import contextlib, io\nfrom seqserve.cli.main import app\n"
        "with contextlib.redirect_stdout(io.StringIO()), contextlib.suppress(SystemExit):\n"
        f"    app({words})"
    )
    found = {name.split(".")[0] for name in imported(code)}
    assert found & HEAVY <= needed


SHELLS = ["bash", "zsh", "fish"]


@pytest.mark.parametrize("shell", SHELLS)
def test_completion_of_shells(shell: str) -> None:
    done = CliRunner().invoke(app, ["--show-completion", shell], prog_name="seqserve")
    assert done.exit_code == 0 and "_SEQSERVE_COMPLETE" in done.stdout.upper()


@pytest.mark.parametrize("shell", SHELLS)
def test_a_named_shell_needs_no_shell_above(shell: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """As under `setsid nohup`, where no ancestor is a shell."""
    monkeypatch.setattr("shellingham.detect_shell", no_shell)
    done = CliRunner().invoke(app, ["--show-completion", shell], prog_name="seqserve")
    assert done.exit_code == 0 and "_SEQSERVE_COMPLETE" in done.stdout.upper()
    assert ("compdef" in done.stdout) == (shell == "zsh")


def no_shell() -> None:
    raise shellingham.ShellDetectionFailure


@pytest.mark.parametrize("login", [None, "/usr/bin/fish", "/bin/tcsh"])
def test_the_shell_that_is_meant(login: str | None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shellingham.detect_shell", no_shell)
    monkeypatch.setenv("SHELL", login or "")
    done = CliRunner().invoke(app, ["--show-completion"], prog_name="seqserve")
    if login == "/usr/bin/fish":
        assert done.exit_code == 0 and "complete --command seqserve" in done.stdout
    else:
        assert done.exit_code == 2 and "name one: --show-completion bash|zsh|fish" in done.stderr


def test_completion_is_installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    done = CliRunner().invoke(app, ["--install-completion", "fish"], prog_name="seqserve")
    assert done.exit_code == 0 and "fish completion is installed in" in done.stdout
    assert (tmp_path / ".config/fish/completions/seqserve.fish").is_file()


def test_the_commands() -> None:
    done = CliRunner().invoke(app, ["--help"])
    found = re.findall(r"^│ ([a-z]+) ", done.stdout, re.MULTILINE)
    assert sorted(found) == [
        *("data", "dev", "evaluate", "export", "import", "keys", "models", "predict", "serve"),
        *("train", "vectors"),
    ]


@pytest.mark.parametrize(
    "words", [[], ["predict", "ner"], ["models"], ["dev", "bench"]], ids=" ".join
)
def test_flags_have_no_type(words: list[str]) -> None:
    done = CliRunner().invoke(app, [*words, "--help"])
    assert done.exit_code == 0 and "<bool>" not in done.stdout


def test_version() -> None:
    done = CliRunner().invoke(app, ["--version"])
    assert done.exit_code == 0 and re.fullmatch(r"seqserve \d+\.\d+\.\d+\n", done.stdout)


def test_words_are_completed() -> None:
    environment = {
        "_SEQSERVE_COMPLETE": "complete_bash",
        "COMP_WORDS": "seqserve pre",
        "COMP_CWORD": "1",
    }
    done = CliRunner().invoke(app, [], prog_name="seqserve", env=environment)
    assert done.stdout.split() == ["predict"]
