"""The checkout that the command line runs from.

A wheel holds only the package `seqserve`. The packages that serve, export and measure are folders of the
checkout. Other projects use names such as `service` too, so the current folder must not shadow them.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

PACKAGES = ("service", "model_export", "benchmarks", "loadtest")
_BESIDE = Path(__file__).parents[2]
ROOT = _BESIDE if (_BESIDE / "pyproject.toml").is_file() else None
"""The checkout; None in an environment that has only the wheel."""

_FOR_SERVING = frozenset(
    {
        *("bentoml", "httptools", "numpy", "onnxruntime", "prometheus_client", "pydantic_settings"),
        *("regex", "safetensors", "sentencex", "starlette", "structlog", "tokenizers", "uvloop"),
    }
)
_FOR_IMPORT = frozenset({"onnx", "sacrebleu", "scipy", "sentencepiece", "google", "yaml"})


def use_checkout(root: Path | None = ROOT) -> None:
    """Make sure that `import service` finds the folder of this project, or fails.

    Args:
        root: The checkout.
    """
    if root is not None:
        if sys.path[:1] != [str(root)]:
            sys.path.insert(0, str(root))
        return
    for name in PACKAGES:
        sys.modules.setdefault(name, None)  # type: ignore[arg-type]  # importing it raises


def child_paths(root: Path | None = ROOT) -> dict[str, str]:
    """Return the environment variables with which `python -m` in a child finds what this process finds.

    Without them `python -m` puts the current folder first. Here it comes last, for the user's own engines.
    """
    paths = [str(root) if root else "", os.environ.get("PYTHONPATH", ""), os.getcwd()]
    return {"PYTHONPATH": os.pathsep.join(filter(None, paths)), "PYTHONSAFEPATH": "1"}


def how_to_get(module: str, root: Path | None = ROOT) -> str:
    """Return one line that says how to install a module that is missing.

    Args:
        module: Name of the module, with or without its package.
        root: The checkout.
    """
    top = module.partition(".")[0]
    if top in PACKAGES:
        return (
            f"this command needs the folder {top}/, which only a checkout of the project has: "
            "clone it, run `make install` there and use .venv/bin/seqserve"
        )
    targets = {"make serve": _FOR_SERVING, "make import": _FOR_IMPORT}
    found = (target for target, packages in targets.items() if top in packages)
    target = next(found, "make install")
    where = "run" if root else "this command runs from a checkout of the project: clone it and run"
    return f"the Python package {top} is not installed; {where} `{target}`"


def version(root: Path | None = ROOT) -> str:
    """Return the version of the checkout, or else of the installed package."""
    if root is None:
        from importlib.metadata import version as installed

        return installed("seqserve")
    import tomllib

    project = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    return str(project["version"])
