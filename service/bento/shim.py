"""What stands in front of a BentoML service's own application, in the gateway and in the runners."""

from __future__ import annotations

from typing import Any

from starlette.types import ASGIApp, Receive, Scope, Send


class AsgiShim:
    """ASGI middleware that leaves nothing but the life cycle to BentoML's application.

    BentoML puts middlewares of its own in front of it, one of which starts a timer for every request
    and never stops it: 65 seconds' worth of requests stay in memory. So when the life cycle begins, it
    takes the first place.

    Args:
        app: BentoML's application.
        http: Answers every request instead.
        keep: The class of a middleware of BentoML's that stays in front.
    """

    def __init__(self, app: ASGIApp, http: ASGIApp, keep: type | None = None) -> None:
        self._bento = app
        self._http = http
        self._keep = keep

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Passes one connection on."""
        if scope["type"] == "lifespan":
            self._take_first_place(scope["app"])
        answer = self._http if scope["type"] == "http" else self._bento
        await answer(scope, receive, send)

    def _take_first_place(self, app: Any) -> None:
        layer: Any = app.middleware_stack
        kept: tuple[object, ...] = (AsgiShim, self._keep)
        while type(layer) not in kept:
            layer = layer.app
        if layer is not self:
            layer.app = self
        app.middleware_stack = layer
