"""Change the loaded models of a running server: the routes of the admin port, signals and watching end here."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import asdict
from ipaddress import ip_address
from typing import Any

import orjson
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from seqserve.errors import InputError, UnknownModel
from seqserve.model_info import Changes
from seqserve.quoting import cut
from seqserve.tasks import Task
from service.api.core import Core
from service.engines.changes import Change
from service.engines.client import EngineClient
from service.http.body import BodyReader
from service.http.keys import Keyring
from service.settings import Settings
from service.telemetry.logs import failure_fields, get_logger

PREFIX = "/admin/models/"
_NO_ANSWER = "the engines do not answer; the log has the details"


class ModelAdministration:
    """Carries out commands about the models of all tasks.

    Args:
        core: The engines.
        bodies: Reads the bodies of requests.
    """

    def __init__(self, core: Core, bodies: BodyReader) -> None:
        self._core = core
        self._bodies = bodies
        self._reloading: asyncio.Task[object] | None = None

    def routes(self) -> list[Route]:
        """Return the routes."""
        return [
            Route(f"{PREFIX}reload", self._reload, methods=["POST"]),
            Route(f"{PREFIX}load", self._load, methods=["POST"]),
            Route(f"{PREFIX}unload", self._unload, methods=["POST"]),
        ]

    async def reload(self) -> Mapping[Task, Changes]:
        """Load what is new in the folder of the bundles, and unload what is gone."""
        return await self._change(Change("reload"))

    def reload_soon(self) -> None:
        """Reload in the background; if that is in progress, again when it is done."""
        before = self._reloading

        async def run() -> None:
            if before is not None:
                await asyncio.wait([before])
            await self.reload()

        self._reloading = asyncio.get_running_loop().create_task(run())

    async def _change(self, change: Change) -> Mapping[Task, Changes]:
        """Carry out a command for every task."""
        clients = self._core.engines
        changes = await asyncio.gather(
            *(_change_task(task, client, change) for task, client in clients.items())
        )
        found = dict(zip(clients, changes, strict=True))
        for task, one in found.items():
            if not one.is_empty:
                get_logger().info("models changed", task=task, action=change.action, **asdict(one))
        return found

    async def _reload(self, request: Request) -> Response:
        return self._write(await self.reload())

    async def _load(self, request: Request) -> Response:
        return await self._change_one("load", request)

    async def _unload(self, request: Request) -> Response:
        return await self._change_one("unload", request)

    async def _change_one(self, action: Any, request: Request) -> Response:
        """Load or unload the model that a request names.

        Raises:
            UnknownModel: There is no such model.
            InputError: The body is malformed, or the task cannot do without the model.
        """
        name = _name_in(await self._bodies.read_json(request))
        before = {model.id for model in self._core.known_models() if name in (model.name, model.id)}
        found = await self._change(Change(action, (name,)))
        if action == "unload" and (faults := [one.fault for one in found.values() if one.fault]):
            raise InputError(f"model: {'; '.join(faults)}.")
        if all(one.is_empty for one in found.values()) and not before:
            there = ", ".join(model.id for model in self._core.known_models()) or "none"
            raise UnknownModel(f"model: there is no {cut(name)}. Available models: {there}.")
        return self._write(found)

    def _write(self, found: Mapping[Task, Changes]) -> Response:
        changes = {task: asdict(one) for task, one in found.items() if not one.is_empty}
        document = {"changes": changes, "models": self._core.known_models()}
        return Response(orjson.dumps(document), media_type="application/json")


def admin_keyring(settings: Settings) -> Keyring | None:
    """Return what checks the keys of requests that change models; None if no key is needed."""
    if settings.admin_keys_file is None:
        return None
    paths = [f"{PREFIX}{action}" for action in ("reload", "load", "unload")]
    return Keyring(settings.admin_keys_file, "v1", guarded_routes=frozenset(paths))


def may_change_models(settings: Settings) -> bool:
    """Return whether the admin port has routes that change models.

    Without keys, only if it cannot be reached from other machines.
    """
    return settings.admin_keys_file is not None or _is_loopback(settings.admin_host)


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


async def _change_task(task: Task, client: EngineClient, change: Change) -> Changes:
    try:
        return await client.change(change)
    except Exception as error:
        get_logger().error(
            "models not changed", task=task, action=change.action, **failure_fields(error)
        )
        return Changes(fault=_NO_ANSWER)


def _name_in(document: object) -> str:
    """Return the name in the body of a request.

    Raises:
        InputError: The body is not `{"model": NAME}`.
    """
    if isinstance(document, dict) and list(document) == ["model"]:
        name = document["model"]
        if isinstance(name, str) and name:
            return name
    raise InputError('The body must be {"model": "NAME"} or {"model": "NAME@VERSION"}.')
