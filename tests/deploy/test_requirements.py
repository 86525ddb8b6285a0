"""The pinned requirements: those with hashes are the locked ones, and complete."""

from __future__ import annotations

import importlib.metadata
import re
from collections.abc import Iterator

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.serving import ROOT

REQUIREMENTS = ROOT / "requirements"
_PIN = re.compile(r"(?P<name>[\w.-]+)(?:\[[\w,]+\])?==(?P<version>[^\s;]+)")


def pins(name: str) -> dict[str, str]:
    """Return version by package of a file of requirements."""
    text = (REQUIREMENTS / name).read_text(encoding="utf-8")
    found = (_PIN.match(line) for line in text.splitlines())
    return {canonicalize_name(one["name"]): one["version"] for one in found if one}


def needed(name: str, seen: set[str]) -> Iterator[str]:
    """Yield a package and all that it needs on this machine."""
    if name in seen:
        return
    seen.add(name)
    yield name
    for line in importlib.metadata.requires(name) or ():
        requirement = Requirement(line)
        if requirement.marker is None or requirement.marker.evaluate({"extra": ""}):
            yield from needed(canonicalize_name(requirement.name), seen)


HASHED, LOCKED, SERVED = pins("serve-hashes.txt"), pins("lock.txt"), pins("serve.txt")
ENTRIES = re.findall(
    r"^(\S+?==\S+)(.*(?:\n    .*)*)", (REQUIREMENTS / "serve-hashes.txt").read_text(), re.MULTILINE
)


@pytest.mark.parametrize(("pin", "rest"), ENTRIES, ids=[pin for pin, _ in ENTRIES])
def test_a_version_with_hashes_is_the_locked_one(pin: str, rest: str) -> None:
    requirement = Requirement(pin + rest.partition("\\")[0])
    name = canonicalize_name(requirement.name)
    if name in LOCKED or requirement.marker is None or requirement.marker.evaluate():
        assert str(requirement.specifier) == f"=={LOCKED[name]}"  # others are of other systems


def test_everything_that_serving_needs_has_hashes() -> None:
    seen: set[str] = set()
    wanted = {one for name in SERVED for one in needed(name, seen)}
    assert wanted - set(HASHED) == set()
    assert len(ENTRIES) == len(HASHED) > 30


def test_every_package_has_hashes_of_files() -> None:
    for pin, rest in ENTRIES:
        found = re.findall(r"--hash=(\S+)", rest)
        assert found, pin
        assert all(re.fullmatch(r"sha256:[0-9a-f]{64}", one) for one in found), pin


def test_no_index_is_named() -> None:
    assert "://" not in (REQUIREMENTS / "serve-hashes.txt").read_text()


def test_the_image_installs_nothing_without_a_hash() -> None:
    dockerfile = (ROOT / "Dockerfile").read_text()
    (install,) = re.findall(r"pip install (.*) \\\n", dockerfile)
    assert "--require-hashes" in install and "/requirements/serve-hashes.txt" in install
    assert "!requirements/serve-hashes.txt" in (ROOT / ".dockerignore").read_text().splitlines()
