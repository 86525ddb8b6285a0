"""From a path to its handler: one look-up for plain paths, Starlette's router for all others."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Awaitable, Callable, Iterable
from typing import cast

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Mount, Route, Router
from starlette.types import Receive, Scope, Send

Handler = Callable[[Request], Awaitable[Response]]


class Routes:
    """ASGI application: routes with plain paths or with parameters, and mounts.

    Plain paths are found in a dict. Starlette's router takes longer: it tries one regular expression after the
    other and handles exceptions, which the middleware does as well. So it has one router per first segment of a
    path, which is the prefix of an API.

    Args:
        routes: Tried in this order; a plain path comes before a path with parameters, whose first segment is
            no parameter.
        mounts: Tried last.
    """

    def __init__(self, routes: Iterable[Route], mounts: Iterable[Mount] = ()) -> None:
        self._plain: dict[str, dict[str, Handler]] = defaultdict(dict)
        self._with_parameters: dict[str, list[Route]] = defaultdict(list)
        for route in routes:
            if route.param_convertors:
                self._with_parameters[_first_segment(route.path)].append(route)
                continue
            for method in route.methods or ():
                self._plain[route.path].setdefault(method, cast(Handler, route.endpoint))
        self._plain = dict(self._plain)
        self._with_parameters = dict(self._with_parameters)
        self._routers = {
            segment: Router(of_one, redirect_slashes=False)
            for segment, of_one in self._with_parameters.items()
        }
        self._others = Router(list(mounts), redirect_slashes=False)

    def template_of(self, path: str) -> str | None:
        """Return the template of a path's route, such as `/v2/models/{name}`; None if no route matches."""
        if path in self._plain:
            return path
        for route in self._with_parameters.get(_first_segment(path), ()):
            if route.path_regex.match(path):
                return route.path
        return None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request.

        Raises:
            HTTPException: 404, no route matches; 405, a route matches, but not this method.
        """
        handlers = self._plain.get(scope["path"])
        if handlers is None:
            router = self._routers.get(_first_segment(scope["path"]), self._others)
            await router(scope, receive, send)
            return
        handler = handlers.get(scope["method"])
        if handler is None:
            raise HTTPException(405, headers={"Allow": ", ".join(sorted(handlers))})
        response = await handler(Request(scope, receive, send))
        await response(scope, receive, send)


def _first_segment(path: str) -> str:
    return path[1:].partition("/")[0]
