"""The ASGI shim in front of a BentoML service's own application, in the gateway and in the runners."""

from __future__ import annotations

from typing import Any

from starlette.types import ASGIApp, Receive, Scope, Send


class AsgiShim:
    """ASGI middleware that leaves only the lifespan protocol to BentoML's application.

    BentoML puts middlewares of its own in front of it. One of them starts a timer for every request and
    never cancels it, which keeps the requests of 65 seconds in memory. So at start-up the shim moves
    itself to the front.

    Args:
        app: BentoML's application.
        http: Answers every request.
        keep: The class of a BentoML middleware that stays in front.
    """

    def __init__(self, app: ASGIApp, http: ASGIApp, keep: type | None = None) -> None:
        self._bento = app
        self._http = http
        self._keep = keep

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass one connection on."""
        if scope["type"] == "lifespan":
            self._move_to_front(scope["app"])
        answer = self._http if scope["type"] == "http" else self._bento
        await answer(scope, receive, send)

    def _move_to_front(self, app: Any) -> None:
        layer: Any = app.middleware_stack
        kept: tuple[object, ...] = (AsgiShim, self._keep)
        while type(layer) not in kept:
            layer = layer.app
        if layer is not self:
            layer.app = self
        app.middleware_stack = layer
