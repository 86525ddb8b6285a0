from __future__ import annotations

import json
import shutil
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from seqserve.bundle import load_bundle
from seqserve.cli.main import app
from tests.fakes import write_bundles
from tests.tiny import TinyProject

RUNNER = CliRunner()
NAMES = ["ner-en", "sentiment-en", "topics-en", "translate-en-zh"]


@pytest.fixture
def bundles(tmp_path: Path) -> Path:
    return write_bundles(tmp_path / "bundles")


def test_json_says_what_the_manifests_say(bundles: Path) -> None:
    done = RUNNER.invoke(app, ["models", "--bundles", str(bundles), "--json"])
    assert done.exit_code == 0, done.output
    found = json.loads(done.stdout)["models"]
    assert [one["name"] for one in found] == NAMES
    bundle = load_bundle(bundles / "ner-en")
    assert found[0]["sha256"] == bundle.sha256 and found[0]["labels"] == ["LOC", "PER"]
    assert found[-1]["languages"] == ["en", "zh"]
    assert found[-1]["language_pairs"] == [["en", "zh"]]


def test_one_damaged_bundle_does_not_hide_the_others(bundles: Path) -> None:
    (bundles / "ner-en" / "config.json").write_text("{ }")
    done = RUNNER.invoke(app, ["models", "--bundles", str(bundles)])
    assert done.exit_code == 1
    assert [line.split()[0] for line in done.stdout.splitlines()] == NAMES[1:]
    assert "config.json" in done.stderr
    done = RUNNER.invoke(app, ["models", "--bundles", str(bundles), "--json"])
    assert done.exit_code == 1
    assert "config.json" in json.loads(done.stdout)["models"][0]["fault"]


def rewrite(bundle: Path, name: str, content: Any) -> None:
    """Change a file, and update its hash in the manifest."""
    raw = json.dumps(content).encode()
    (bundle / name).write_bytes(raw)
    manifest = json.loads((bundle / "manifest.json").read_text())
    manifest["files"][name] = {"sha256": sha256(raw).hexdigest(), "bytes": len(raw)}
    (bundle / "manifest.json").write_text(json.dumps(manifest))


def test_verify_asks_the_golden_cases(tiny: TinyProject, tmp_path: Path) -> None:
    bundles = tmp_path / "bundles"
    shutil.copytree(tiny.bundles, bundles)
    assert RUNNER.invoke(app, ["models", "--bundles", str(bundles), "--verify"]).exit_code == 0
    path = bundles / tiny.recipes["sentiment"].name
    golden = json.loads((path / "golden.json").read_text())
    golden["cases"][0]["output"]["score"] += 0.2
    rewrite(path, "golden.json", golden)
    assert RUNNER.invoke(app, ["models", "--bundles", str(bundles)]).exit_code == 0
    done = RUNNER.invoke(app, ["models", "--bundles", str(bundles), "--verify"])
    assert done.exit_code == 1 and "golden case 0 has another answer" in done.stderr


def test_a_config_that_cannot_be_used_does_not_hide_the_others(
    tiny: TinyProject, tmp_path: Path
) -> None:
    bundles = tmp_path / "bundles"
    shutil.copytree(tiny.bundles, bundles)
    path = bundles / tiny.recipes["ner"].name
    config = json.loads((path / "config.json").read_text())
    config["text"]["config"]["newer"] = 1
    rewrite(path, "config.json", config)
    done = RUNNER.invoke(app, ["models", "--bundles", str(bundles), "--verify"])
    assert done.exit_code == 1 and "newer" in done.stderr
    assert len(done.stdout.splitlines()) == 3


def test_no_server() -> None:
    done = RUNNER.invoke(app, ["models", "--url", "ftp://x"])
    assert done.exit_code == 2 and done.stdout == ""
