"""Cross-origin requests (CORS): which pages of other origins may read the responses. Off by default.

Every response has the headers, errors included, so that a page can read the problem as well. There are no
cookies: a page sends its key itself.

Starlette's `CORSMiddleware` does not fit. Inside `RequestMiddleware`, which turns exceptions into responses,
it would not see errors. Outside, its preflight responses would have no request id, metrics or log line. It also
varies the response by origin where every origin is allowed, and exposes headers to origins that are not.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from starlette.responses import Response

RawHeaders = list[tuple[bytes, bytes]]

_EXPOSED = b"X-Request-ID, Server-Timing, Retry-After"
_PREFLIGHT = {
    "Access-Control-Allow-Methods": "GET, POST",
    "Access-Control-Allow-Headers": (
        "Authorization, Content-Encoding, Content-Type, X-Request-ID, X-Sticky-Key, "
        "X-Timeout-Ms, Traceparent, Tracestate"
    ),
    "Access-Control-Max-Age": "600",
}


class Cors:
    """The response headers for the allowed origins.

    Args:
        origins: For example `https://example.org`; `*` allows all.
    """

    def __init__(self, origins: Sequence[str]) -> None:
        self._is_open = "*" in origins
        self._origins = frozenset(origin.encode() for origin in origins)

    def headers(self, origin: bytes | None) -> RawHeaders:
        """Return the headers of the response to a request with this `Origin`."""
        found: RawHeaders = [] if self._is_open else [(b"vary", b"Origin")]
        if origin is not None and (self._is_open or origin in self._origins):
            found.append((b"access-control-allow-origin", b"*" if self._is_open else origin))
            found.append((b"access-control-expose-headers", _EXPOSED))
        return found


def preflight(method: str, headers: Mapping[bytes, bytes]) -> Response | None:
    """Return the response to a preflight request, or None for any other request.

    It is the same for every origin; the headers of `Cors.headers` allow or refuse the origin.
    """
    if method != "OPTIONS" or b"access-control-request-method" not in headers:
        return None
    return Response(status_code=204, headers=_PREFLIGHT)
