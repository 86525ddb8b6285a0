"""Malformed manifests: the message says what came, what is expected, and where."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from seqserve.bundle import load_bundle
from seqserve.bundle_folder import MANIFEST
from seqserve.errors import BundleError
from tests import fakes

ENTRY = {"sha256": "0" * 64, "bytes": 1}
MALFORMED_FILES: dict[str, tuple[Any, str]] = {
    "a list": ([], "expected a table, got list ([]) @ manifest.json.files."),
    "null": (None, "expected a table, got NoneType (None) @ manifest.json.files."),
    "a string": ({"a.json": "x"}, "expected a table, got str ('x') @ manifest.json.files['a.json']"),
    "a list of two": ({"a.json": ["0", 1]}, "expected a table, got list (['0', 1]) @ "),
    "no entry": ({"a.json": None}, "expected a table, got NoneType (None) @ "),
    "a long string": ({"a.json": "x" * 5000}, f"got str ('{'x' * 59}...) @ "),
    "size in words": ({"a.json": ENTRY | {"bytes": "1"}}, "expected int, got str ('1') @ "),
    "a broken size": ({"a.json": ENTRY | {"bytes": 1.5}}, "expected int, got float (1.5) @ "),
    "a negative size": ({"a.json": ENTRY | {"bytes": -1}}, "a.json has -1 bytes; a size is not below 0"),
    "no size": ({"a.json": {"sha256": "0" * 64}}, "required field missing @ manifest.json.files['a.json']."),
    "another key": ({"a.json": ENTRY | {"md5": ""}}, "extra fields found (md5) @ manifest.json.files['a."),
    "no checksum": ({"a.json": ENTRY | {"sha256": None}}, "expected str, got NoneType (None) @ "),
    "a short checksum": ({"a.json": ENTRY | {"sha256": "12"}}, "the sha256 of a.json must be 64 hexadecimal"),
    "capital letters": ({"a.json": ENTRY | {"sha256": "A" * 64}}, "sha256 of a.json must be 64 hexadecimal"),
}  # fmt: skip


@pytest.mark.parametrize(("files", "message"), MALFORMED_FILES.values(), ids=MALFORMED_FILES)
def test_a_malformed_table_of_files_is_explained(tmp_path: Path, files: Any, message: str) -> None:
    bundle = fakes.write_bundle_of(tmp_path / "ner-en", "ner-en").path
    manifest = json.loads((bundle / MANIFEST).read_text())
    (bundle / MANIFEST).write_text(json.dumps(manifest | {"files": files}))
    with pytest.raises(BundleError) as caught:
        load_bundle(bundle)
    assert message in str(caught.value)
    assert "unknown error" not in str(caught.value)


@pytest.mark.parametrize("content", [b"", b"{", b"\xff", b"[" * 100_000])
def test_a_manifest_that_is_not_json(tmp_path: Path, content: bytes) -> None:
    bundle = fakes.write_bundle_of(tmp_path / "ner-en", "ner-en").path
    (bundle / MANIFEST).write_bytes(content)
    with pytest.raises(BundleError, match=r"manifest\.json is not JSON: "):
        load_bundle(bundle)
