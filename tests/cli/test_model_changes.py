"""`seqserve models reload`, `load` and `unload` on a running server."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest
from typer.testing import CliRunner

from seqserve.cli.main import app
from tests import fakes
from tests.service.engines.test_models import damage, version
from tests.serving import FAKES, Serve, free_port

RUNNER = CliRunner()


def test_the_models_of_a_server_change(tmp_path: Path) -> None:
    folder = fakes.write_bundles(tmp_path / "bundles")
    shutil.rmtree(folder / "ner-en")
    version(folder, "1.0")
    port = free_port()
    admin = f"http://127.0.0.1:{port}"
    settings = {"SEQSERVE_TASKS": "ner", "SEQSERVE_TOPOLOGY": "embedded"}
    serve = Serve(tmp_path, folder, SEQSERVE_ADMIN_PORT=str(port), **settings, **FAKES)

    def change(*words: str) -> tuple[int, str, str]:
        done = RUNNER.invoke(app, ["models", *words, "--url", admin])
        return done.exit_code, done.stdout, done.stderr

    try:
        serve.wait_until_logged('"serving"')
        assert change("reload") == (0, "nothing to change\n", "")
        version(folder, "2.0")
        assert change("reload") == (0, "ner: ner-en@2.0 loaded\n", "")
        assert change("unload", "ner-en@1.0") == (0, "ner: ner-en@1.0 unloading\n", "")
        damage(version(folder, "3.0"))
        code, out, said = change("reload")
        assert (code, out) == (1, "")
        assert said.startswith("seqserve: ner: ner-en@3.0 failed: bundle ner-en/3.0 is not as it")
        code, _, said = change("load", "nobody")
        assert code == 1 and "there is no nobody" in said
        listed = RUNNER.invoke(app, ["models", "--url", serve.base]).stdout
        assert re.search(r"^ner-en 2\.0 ner fp32 ready default \d+ MiB$", listed, re.MULTILINE)
        assert "ner-en 3.0 ner fp32 failed (bundle ner-en/3.0 is not" in listed
    finally:
        serve.kill()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("reload",), "reload: name the admin port of a server with --url"),
        (("load", "--url", "http://localhost:1"), "load: name a model, as NAME or NAME@VERSION"),
        (
            ("load", "", "--url", "http://localhost:1"),
            "load: name a model, as NAME or NAME@VERSION",
        ),
        (("reload", "a", "--url", "http://localhost:1"), "reload takes no name"),
    ],
)
def test_a_wrong_command_line(words: tuple[str, ...], said: str) -> None:
    done = RUNNER.invoke(app, ["models", *words])
    assert done.exit_code == 2 and said in done.stderr
