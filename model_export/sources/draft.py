"""A bundle that is opened and thrown away: its graphs stay in memory."""

from __future__ import annotations

import json
from pathlib import Path
from tempfile import TemporaryDirectory

from model_export.parts.base import Parts
from seqserve.bundle import write_bundle
from seqserve.manifest import Description
from seqserve.runtime.engine import Engine, open_engine


def open_draft(parts: Parts, description: Description) -> Engine:
    """Return an engine of parts that are no bundle yet."""
    files = {**parts.to_files(), "config.json": json.dumps(parts.config).encode()}
    with TemporaryDirectory() as scratch:
        write_bundle(draft := Path(scratch, "bundle"), files, description)
        return open_engine(draft)
