"""From a path to its handler, by one look-up."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from typing import cast

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Mount, Route, Router
from starlette.types import Receive, Scope, Send

Handler = Callable[[Request], Awaitable[Response]]


class Routes:
    """ASGI application: routes with plain paths, and mounts for the rest.

    Starlette's router tries one regular expression after the other, and wraps what handlers send and
    raise, which the edge does anyway.

    Args:
        routes: Without parameters in their paths.
        mounts: What is under other paths.
    """

    def __init__(self, routes: Iterable[Route], mounts: Iterable[Mount]) -> None:
        self._routes = {route.path: route for route in routes}
        self._mounts = Router([*mounts], redirect_slashes=False)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers one request.

        Raises:
            HTTPException: 404, there is no such path; 405, there is, but for other methods.
        """
        route = self._routes.get(scope["path"])
        if route is None:
            await self._mounts(scope, receive, send)
            return
        methods = route.methods or set()
        if scope["method"] not in methods:
            raise HTTPException(405, headers={"Allow": ", ".join(sorted(methods))})
        response = await cast(Handler, route.endpoint)(Request(scope, receive, send))
        await response(scope, receive, send)
