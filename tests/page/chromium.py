"""Headless Chromium of Debian for the browser tests and the screenshots."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager

from playwright.sync_api import Browser, sync_playwright

# Without these, Chromium contacts servers, for example for updates.
_OFFLINE = (
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-quic",
    "--disable-sync",
)
ELSEWHERE = "seqserve.test"  # a host name of this machine other than localhost


@contextmanager
def chromium() -> Iterator[Browser]:
    """Start a browser, and close it at the end.

    Raises:
        AssertionError: Chromium is not on the PATH.
    """
    path = shutil.which("chromium") or shutil.which("chromium-browser")
    assert path, "no chromium on the PATH; on Debian: apt-get install chromium"
    names = f"--host-resolver-rules=MAP {ELSEWHERE} 127.0.0.1"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=[*_OFFLINE, names])
        try:
            yield browser
        finally:
            browser.close()
