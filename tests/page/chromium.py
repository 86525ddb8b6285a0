"""Debian's Chromium, without a window: for the browser tests and the screenshots."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager

from playwright.sync_api import Browser, sync_playwright

# Otherwise Chromium looks for updates and the like, which the tests' machines need not reach.
_QUIET = (
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-quic",
    "--disable-sync",
)
ELSEWHERE = "seqserve.test"  # a name of this machine that is neither localhost nor an address


@contextmanager
def chromium() -> Iterator[Browser]:
    """A browser.

    Raises:
        AssertionError: there is none on the PATH.
    """
    path = shutil.which("chromium") or shutil.which("chromium-browser")
    assert path, "no chromium on the PATH; on Debian: apt-get install chromium"
    names = f"--host-resolver-rules=MAP {ELSEWHERE} 127.0.0.1"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=[*_QUIET, names])
        try:
            yield browser
        finally:
            browser.close()
