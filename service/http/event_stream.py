"""Server-sent events: a response whose parts are sent while others are still computed.

Source: WHATWG HTML, "Server-sent events" (https://html.spec.whatwg.org/multipage/server-sent-events.html).
"""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Any

import orjson
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

MEDIA_TYPE = "text/event-stream"
_ZERO = {"q=0", "q=0.0", "q=0.00", "q=0.000"}
"""A weight that refuses a media type. Source: RFC 9110, section 12.4.2."""


def event(name: str, data: Any) -> bytes:
    """Encode an event, whose data are a JSON document in one line."""
    return f"event: {name}\ndata: ".encode() + orjson.dumps(data) + b"\n\n"


def accepts_events(request: Request) -> bool:
    """Return whether a request names the media type of events among those that it accepts.

    A client of HTTP/1.0 gets none: it does not know chunks.
    """
    accepted = request.headers.get("accept", "").lower().split(",")
    ranges = [[part.strip() for part in one.split(";")] for one in accepted]
    is_named = any(name == MEDIA_TYPE and not _ZERO & {*options} for name, *options in ranges)
    return is_named and request.scope.get("http_version") != "1.0"


class EventStream(Response):
    """A response of events, sent as they come.

    `StreamingResponse` would listen for the end of the connection, as what computes the events does already.

    Args:
        events: The encoded events, at least one; an exception ends the response.
    """

    media_type = MEDIA_TYPE

    def __init__(self, events: AsyncGenerator[bytes]) -> None:
        super().__init__(headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"})
        del self.headers["content-length"]
        self._events = events

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the events."""
        start = {
            "type": "http.response.start",
            "status": self.status_code,
            "headers": self.raw_headers,
        }
        async with aclosing(self._events) as events:
            one = await anext(events)  # begins the generator, whose end then cancels what computes
            await send(start)
            try:
                await send({"type": "http.response.body", "body": one, "more_body": True})
                async for one in events:
                    await send({"type": "http.response.body", "body": one, "more_body": True})
            finally:
                await send({"type": "http.response.body", "body": b"", "more_body": False})
