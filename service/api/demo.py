"""The demo page on `/`: serves the files of `page/`, read once at startup, with their headers.

The page is a client of the HTTP API like any other: it requests everything else from the API of the
same origin. This module knows no task.
"""

from __future__ import annotations

import hashlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

DIRECTORY = Path(__file__).parent / "page"
PREFIX = "/page/"
CONTENT_SECURITY_POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self'",
        "connect-src 'self'",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
        "require-trusted-types-for 'script'",
        "trusted-types 'none'",
    )
)
"""Allows only files of this origin, nothing inline, and no conversion of strings to HTML or code."""

_INDEX = "index.html"
_TYPES = {
    ".css": "text/css; charset=utf-8",
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".json": "application/json",
    ".svg": "image/svg+xml",
}
_HEADERS = {
    "Cache-Control": "no-cache",  # revalidated on every use, so that all files are of one version
    "Content-Security-Policy": CONTENT_SECURITY_POLICY,
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}


@dataclass(frozen=True)
class PageFile:
    """One file of the page.

    Args:
        path: The route that serves it.
        content: The bytes of the file.
        content_type: Value of the `Content-Type` header.
        etag: Value of the `ETag` header, derived from the content.
    """

    path: str
    content: bytes
    content_type: str
    etag: str

    def respond(self, if_none_match: str | None) -> Response:
        """Return the file, or 304 if the client already has it.

        Args:
            if_none_match: Value of the `If-None-Match` header of the request.
        """
        headers = {**_HEADERS, "ETag": self.etag}
        if if_none_match is not None and _matches(if_none_match, self.etag):
            return Response(status_code=304, headers=headers)
        return Response(self.content, headers={**headers, "Content-Type": self.content_type})


def _matches(if_none_match: str, etag: str) -> bool:
    """Return whether the header lists the tag; a compressing proxy makes tags weak."""
    tags = {tag.strip().removeprefix("W/") for tag in if_none_match.split(",")}
    return bool(tags & {etag, "*"})


def read_page(directory: Path = DIRECTORY) -> list[PageFile]:
    """Read the files of the page; `/` comes first."""
    return sorted((_read(path) for path in directory.iterdir()), key=lambda file: file.path)


def _read(path: Path) -> PageFile:
    content = path.read_bytes()
    return PageFile(
        "/" if path.name == _INDEX else PREFIX + path.name,
        content,
        _TYPES[path.suffix],
        f'"{hashlib.sha256(content).hexdigest()[:32]}"',
    )


def page_routes() -> list[Route]:
    """Return the routes of the page, one per file."""
    return [Route(file.path, _endpoint(file)) for file in read_page()]


def _endpoint(file: PageFile) -> Callable[[Request], Awaitable[Response]]:
    async def respond(request: Request) -> Response:
        return file.respond(request.headers.get("if-none-match"))

    return respond
