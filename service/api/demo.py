"""The demo page on `/`: its files, read once when the server starts, and the headers they go out with.

The page is a client like any other. It gets nothing here that is not in `page/`, and asks the API of
the same origin for the rest; whoever does not open it pays nothing for it. It knows no task.
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
"""Nothing from elsewhere, nothing inline, and no way from a string to HTML or to code."""

_INDEX = "index.html"
_TYPES = {
    ".css": "text/css; charset=utf-8",
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".json": "application/json",
    ".svg": "image/svg+xml",
}
_HEADERS = {
    "Cache-Control": "no-cache",  # kept, but asked for again: a page never meets another version's script
    "Content-Security-Policy": CONTENT_SECURITY_POLICY,
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}


@dataclass(frozen=True)
class PageFile:
    """One file of the page.

    Args:
        path: The route that gives it.
        content: Its bytes.
        content_type: For the header.
        etag: Changes with the bytes.
    """

    path: str
    content: bytes
    content_type: str
    etag: str

    def answer(self, if_none_match: str | None) -> Response:
        """The file, or 304 for who has it.

        Args:
            if_none_match: The request's header.
        """
        headers = {**_HEADERS, "ETag": self.etag}
        if if_none_match is not None and _names(if_none_match, self.etag):
            return Response(status_code=304, headers=headers)
        return Response(self.content, headers={**headers, "Content-Type": self.content_type})


def _names(if_none_match: str, etag: str) -> bool:
    """Whether the header has this tag among others; a proxy that compresses makes tags weak."""
    tags = {tag.strip().removeprefix("W/") for tag in if_none_match.split(",")}
    return bool(tags & {etag, "*"})


def read_page(directory: Path = DIRECTORY) -> list[PageFile]:
    """The files of the page, `/` first."""
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
    """The routes of the page."""
    return [Route(file.path, _endpoint(file)) for file in read_page()]


def _endpoint(file: PageFile) -> Callable[[Request], Awaitable[Response]]:
    async def answer(request: Request) -> Response:
        return file.answer(request.headers.get("if-none-match"))

    return answer
