"""Watch the folder of the bundles, and report when it has changed and is stable."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable, Callable
from pathlib import Path

from seqserve.bundle_folder import manifests_in

_Signature = tuple[tuple[str, int, int], ...]


def signature_of(folder: Path) -> _Signature:
    """Return path, size and time of change of every file of every bundle."""
    files = []
    for manifest in manifests_in(folder):
        try:
            with os.scandir(manifest.parent) as entries:
                for entry in entries:
                    stat = entry.stat()
                    files.append((entry.path, stat.st_size, stat.st_mtime_ns))
        except OSError:  # a bundle that is being replaced
            files.append((str(manifest), 0, 0))
    return tuple(sorted(files))


async def watch_folder(
    folder: Path, every_s: float, changed: Callable[[], Awaitable[object]]
) -> None:
    """Call a function after each change of the folder, when it was the same twice in a row.

    Args:
        folder: Of the bundles.
        every_s: Seconds between two looks.
        changed: Called once per change.
    """
    handled = last = await asyncio.to_thread(signature_of, folder)
    while True:
        await asyncio.sleep(every_s)
        now = await asyncio.to_thread(signature_of, folder)
        if now == last and now != handled:
            handled = now
            await changed()
        last = now
