"""A bundle that is written, opened and thrown away: its graphs stay in memory."""

from __future__ import annotations

import json
from pathlib import Path

from model_export.parts.base import Parts
from seqserve.bundle import Bundle, write_bundle
from seqserve.manifest import Description


def write_draft(parts: Parts, description: Description, folder: Path) -> Bundle:
    """Write parts as a bundle without golden cases into a folder."""
    files = {**parts.to_files(), "config.json": json.dumps(parts.config).encode()}
    return write_bundle(folder / "draft", files, description)
