"""Imports only point up the list of packages, and serving never imports torch."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]

# Each may import packages on its own line or above.
ORDER = [
    {
        *("seqserve.errors", "seqserve.arrays", "seqserve.cpus", "seqserve.files"),
        *("seqserve.cancellation", "seqserve.choices", "seqserve.progress"),
        "seqserve.quoting",
    },
    {"seqserve.encodings"},
    {"seqserve.strict_json", "seqserve.dequantization"},
    {"seqserve.records"},
    {"seqserve.tasks"},
    {"seqserve.model_info"},
    {"seqserve.client"},
    {"seqserve.config"},
    {"seqserve.text"},
    {"seqserve.decode"},
    {"seqserve.manifest", "seqserve.bundle_folder"},
    {"seqserve.bundle"},
    {"seqserve.models"},
    {"seqserve.embeddings"},
    {"seqserve.training"},
    {"seqserve.datasets"},
    {"seqserve.runtime"},
    {"seqserve.bulk"},
    {"seqserve.evaluation"},
    {"seqserve.baselines"},
    {"model_export"},
    {"service"},
    {"loadtest"},
    {"benchmarks"},
    {"seqserve.cli"},
]
# The sub-packages and modules of a package: each may import those on its own line or above.
INSIDE: dict[str, list[set[str]]] = {
    "service": [
        {"telemetry"},
        {"queue", "routing"},
        {"settings"},
        {"engines"},
        {"http"},
        {"api"},
        {"processes"},
        {"bento"},
        {"reference", "__main__"},
    ],
    "model_export": [
        {"memory"},
        {"exporters"},
        {"checks"},
        {"int8"},
        {"parts"},
        {"cards"},
        {"checkpoints"},
        {"sources"},
        {"pipeline", "refit"},
    ],
    "benchmarks": [{"tools"}, {"models"}, {"http"}, {"endurance"}],
}
RANK = {package: rank for rank, packages in enumerate(ORDER) for package in packages}
FORBIDDEN = {
    "seqserve.client": {
        *("torch", "onnxruntime", "bentoml", "numpy", "pydantic", "cattrs", "orjson", "starlette"),
    },
    "seqserve.text": {"torch", "onnxruntime", "bentoml"},
    "seqserve.decode": {"torch", "onnxruntime", "bentoml", "tokenizers"},
    "seqserve.bundle": {"torch", "onnxruntime", "bentoml"},
    "seqserve.embeddings": {"torch", "gensim", "sklearn", "matplotlib", "onnxruntime", "bentoml"},
    **{
        f"seqserve.embeddings.{name}": {"onnxruntime", "bentoml", "onnx"}
        for name in ("glove", "learning", "maps")
    },
    "seqserve.models": {"onnxruntime", "bentoml", "onnx"},
    "seqserve.training": {"onnxruntime", "bentoml", "onnx"},
    "seqserve.runtime": {"torch", "bentoml", "onnx"},
    "seqserve.datasets": {"torch", "onnxruntime", "bentoml", "onnx", "numpy"},
    "seqserve.bulk": {"torch", "onnxruntime", "bentoml", "onnx", "httpx", "ray", "pydantic"},
    "seqserve.evaluation": {"torch", "bentoml", "onnx"},
    "seqserve.baselines": {"torch", "onnxruntime", "bentoml", "onnx"},
    "model_export": {"bentoml"},
    "service": {"torch", "onnx", "transformers"},
    "benchmarks": {"service", "bentoml", "onnx"},
    "benchmarks.http": {"torch", "bentoml", "onnx"},
    "loadtest": {
        *("model_export", "service", "benchmarks", "tests"),
        *("torch", "onnxruntime", "bentoml", "numpy", "pydantic", "httpx", "psutil"),
    },
}
FILES = sorted(
    path
    for top in ("seqserve", "model_export", "service", "benchmarks", "loadtest")
    for path in (ROOT / top).rglob("*.py")
)


def module_of(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def package_of(module: str) -> str | None:
    parts = module.split(".")
    return ".".join(parts[:2]) if parts[0] == "seqserve" else parts[0]


def forbidden_to(module: str) -> set[str]:
    """Return the modules that a module must not import: the rule of its package, or that of the top level."""
    parts = module.split(".")
    names = [".".join(parts[:n]) for n in range(len(parts), 0, -1)]
    return next((FORBIDDEN[name] for name in names if name in FORBIDDEN), set())


OURS = {module_of(path) for path in FILES}


def imports_of(path: Path) -> set[str]:
    modules = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            modules |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0 and node.module, f"{path}: relative import"
            named = {f"{node.module}.{alias.name}" for alias in node.names}
            modules |= named & OURS  # from seqserve.client import calls
            if node.module == "seqserve":  # from seqserve import runtime
                modules |= named
            if not named <= OURS:
                modules.add(node.module)
    return modules


@pytest.mark.parametrize("path", FILES, ids=module_of)
def test_imports_point_up(path: Path) -> None:
    mine = package_of(module_of(path))
    if mine == "seqserve":
        return
    for imported in imports_of(path):
        top = imported.split(".")[0]
        assert top not in forbidden_to(module_of(path)), f"{mine} must not import {imported}"
        theirs = package_of(imported)
        if theirs in RANK and theirs != mine:
            assert RANK[theirs] < RANK[mine], f"{mine} must not import {imported}"


def inside(module: str, package: str) -> str | None:
    """Return the sub-package or module of a package that a module belongs to, or None."""
    top, _, rest = module.partition(".")
    return rest.split(".")[0] if top == package and rest else None


@pytest.mark.parametrize("package", INSIDE)
def test_imports_inside_a_package_point_up(package: str) -> None:
    rank = {name: i for i, names in enumerate(INSIDE[package]) for name in names}
    for path in FILES:
        mine = inside(module_of(path), package)
        if mine is None:
            continue
        assert mine in rank, f"{package}.{mine} has no place in INSIDE"
        for imported in imports_of(path):
            theirs = inside(imported, package)
            if theirs is not None and theirs != mine:
                assert rank[theirs] < rank[mine], f"{module_of(path)} must not import {imported}"


def test_only_one_package_knows_bentoml() -> None:
    with_bentoml = {
        module_of(path)
        for path in FILES
        if {module.split(".")[0] for module in imports_of(path)} & {"bentoml", "_bentoml_impl"}
    }
    documentation = {"service.api.swagger"}  # its static files
    assert {
        name for name in with_bentoml - documentation if not name.startswith("service.bento.")
    } == set()


def test_modules_import_without_a_cycle() -> None:
    edges = {
        module_of(path): {m for m in imports_of(path) if package_of(m) in RANK} for path in FILES
    }
    done: set[str] = set()

    def visit(module: str, path: tuple[str, ...]) -> None:
        assert module not in path, f"cycle: {' -> '.join((*path, module))}"
        if module in done:
            return
        for target in edges.get(module, ()):
            visit(target, (*path, module))
        done.add(module)

    for module in edges:
        visit(module, ())


@pytest.mark.parametrize("module", ["seqserve.runtime", "service.settings", "service.bento.app"])
def test_serving_loads_no_torch(module: str) -> None:
    code = f"import {module}, sys; sys.exit(int('torch' in sys.modules))"
    subprocess.run([sys.executable, "-c", code], check=True, cwd=ROOT, timeout=60)


def test_the_client_loads_nothing_of_the_server() -> None:
    heavy = ("bentoml", "numpy", "onnxruntime", "pydantic", "starlette", "tokenizers", "torch")
    code = f"import seqserve.client, sys; print([name for name in {heavy} if name in sys.modules])"
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, check=True, cwd=ROOT, timeout=60, capture_output=True, text=True)
    assert done.stdout == "[]\n"


def test_only_those_who_ask_a_server_import_the_client() -> None:
    users = {
        package_of(module_of(path))
        for path in FILES
        if "seqserve.client" in {package_of(module) for module in imports_of(path)}
    }
    assert users <= {"seqserve.client", "seqserve.cli"}


def test_the_load_generator_needs_little_of_the_project() -> None:
    """It runs where only requirements/load.txt is installed."""
    code = (
        "import loadtest.command, sys; print([m for m in sys.modules if m.startswith('seqserve.')])"
    )
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, check=True, cwd=ROOT, timeout=60, capture_output=True, text=True)
    allowed = {"cancellation", "choices", "config", "cpus", "errors", "records", "tasks"}
    assert {name.split(".")[1] for name in ast.literal_eval(done.stdout)} <= allowed


def test_only_the_web_interface_of_the_load_test_imports_locust() -> None:
    """Importing it patches the standard library."""
    with_locust = {
        module_of(path)
        for path in FILES
        if {module.split(".")[0] for module in imports_of(path)} & {"locust", "gevent"}
    }
    assert with_locust == {"loadtest.locustfile"}


def test_only_the_cluster_imports_ray() -> None:
    with_ray = {
        module_of(path)
        for path in FILES
        if "ray" in {module.split(".")[0] for module in imports_of(path)}
    }
    assert with_ray == {"seqserve.cli.predicting.cluster"}


def test_no_dumping_grounds() -> None:
    names = {"util", "utils", "helper", "helpers", "common", "misc"}
    assert not [path for path in FILES if set(path.relative_to(ROOT).with_suffix("").parts) & names]
