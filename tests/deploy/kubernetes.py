"""Read the Kubernetes manifests and validate them against their schemas."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import kubernetes_validate
import yaml

from tests.deploy.promql import ROOT, load_yaml

KUBERNETES = ROOT / "deploy/kubernetes"
BASE = KUBERNETES / "base"
OVERLAY = KUBERNETES / "overlays/example"
VERSIONS = ("1.31", "1.37")
"""The oldest and the newest Kubernetes version that the objects are validated against."""
Manifest = dict[str, Any]


def _object(required: list[str], **fields: Any) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": fields,
        "required": required,
        "additionalProperties": False,
    }


_TEXT = {"type": "string", "minLength": 1}
_TEXTS = {"type": "object", "additionalProperties": {"type": "string"}}
_DURATION = {"type": "string", "pattern": r"^(\d+(ms|[smhdwy]))+$"}
_METADATA = _object(["name"], name=_TEXT, namespace=_TEXT, labels=_TEXTS)
_ENDPOINT = _object(["port"], port=_TEXT, path=_TEXT, interval=_DURATION, scrapeTimeout=_DURATION)
_RULE = {
    "oneOf": [
        _object(["record", "expr"], record=_TEXT, expr=_TEXT, labels=_TEXTS),
        _object(
            ["alert", "expr"],
            alert=_TEXT,
            expr=_TEXT,
            labels=_TEXTS,
            annotations=_TEXTS,
            **{"for": _DURATION},
        ),
    ]
}
_SPECS = {
    "PodMonitor": _object(
        ["selector", "podMetricsEndpoints"],
        jobLabel=_TEXT,
        selector=_object(["matchLabels"], matchLabels=_TEXTS),
        podMetricsEndpoints={"type": "array", "items": _ENDPOINT, "minItems": 1},
    ),
    "PrometheusRule": _object(
        ["groups"],
        groups={
            "type": "array",
            "items": _object(
                ["name", "rules"], name=_TEXT, rules={"type": "array", "items": _RULE}
            ),
        },
    ),
}
"""The fields of the Prometheus operator's objects that the manifests use, by kind.

The full schemas are part of the operator, and no Python package contains them. Add new fields here, from the
operator's API reference.
"""


def validate(manifest: Manifest) -> None:
    """Validate an object: unknown fields, missing fields and wrong types are errors.

    Raises:
        Exception: of `kubernetes_validate` or `jsonschema`; the message names the field.
    """
    if manifest["apiVersion"] != "monitoring.coreos.com/v1":
        for version in VERSIONS:
            kubernetes_validate.validate(manifest, version, strict=True)
        return
    schema = _object(
        ["apiVersion", "kind", "metadata", "spec"],
        apiVersion=_TEXT,
        kind=_TEXT,
        metadata=_METADATA,
        spec=_SPECS[manifest["kind"]],
    )
    jsonschema.validate(manifest, schema)


def read_manifests(text: str) -> list[Manifest]:
    """Return the objects of a multi-document YAML stream."""
    return [document for document in yaml.safe_load_all(text) if document is not None]


def resources_of(folder: Path) -> Iterator[tuple[Path, Manifest]]:
    """Yield the objects of a kustomization and of its bases."""
    for name in load_yaml(folder / "kustomization.yaml")["resources"]:
        path = (folder / name).resolve()
        if path.is_dir():
            yield from resources_of(path)
        else:
            for manifest in read_manifests(path.read_text(encoding="utf-8")):
                yield path, manifest


def operations_of(patch: Manifest) -> list[Manifest]:
    """Return the operations of an inline JSON patch."""
    operations: list[Manifest] = yaml.safe_load(patch["patch"])
    return operations


def at(manifest: Manifest, pointer: str) -> Any:
    """Return the value at a JSON pointer.

    Raises:
        KeyError: There is no such value.
    """
    found: Any = manifest
    for part in pointer.strip("/").split("/"):
        found = found[int(part)] if isinstance(found, list) else found[part]
    return found
