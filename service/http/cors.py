"""Cross-origin requests: which pages of other origins may read the answers. Off by default.

The headers go on every answer, errors included, so that a page can read the problem too. Cookies
play no part: a key is sent by the page itself.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from starlette.responses import Response

RawHeaders = list[tuple[bytes, bytes]]

_EXPOSED = b"X-Request-ID, Server-Timing, Retry-After"
_PREFLIGHT = {
    "Access-Control-Allow-Methods": "GET, POST",
    "Access-Control-Allow-Headers": (
        "Authorization, Content-Encoding, Content-Type, X-Request-ID, X-Timeout-Ms, "
        "Traceparent, Tracestate"
    ),
    "Access-Control-Max-Age": "600",
}


class Cors:
    """Says yes to some origins.

    Args:
        origins: Such as `https://example.org`; `*` is all of them.
    """

    def __init__(self, origins: Sequence[str]) -> None:
        self._is_open = "*" in origins
        self._origins = frozenset(origin.encode() for origin in origins)

    def headers(self, origin: bytes | None) -> RawHeaders:
        """What goes on an answer to a request with this `Origin`."""
        found: RawHeaders = [] if self._is_open else [(b"vary", b"Origin")]
        if origin is not None and (self._is_open or origin in self._origins):
            found.append((b"access-control-allow-origin", b"*" if self._is_open else origin))
            found.append((b"access-control-expose-headers", _EXPOSED))
        return found


def preflight(method: str, headers: Mapping[bytes, bytes]) -> Response | None:
    """The answer to a browser that asks before it sends; None for any other request.

    It is the same for every origin: what `Cors.headers` adds says yes or no.
    """
    if method != "OPTIONS" or b"access-control-request-method" not in headers:
        return None
    return Response(status_code=204, headers=_PREFLIGHT)
