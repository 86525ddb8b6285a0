"""The least that answers the same requests: Starlette on uvicorn, an asyncio queue, greedy batches, a thread.

It checks requests with the same pydantic models and asks the same engines; it has no limits, deadlines, ids,
logs, metrics, health or processes. `python -m benchmarks.http.bare PORT BUNDLES` serves null engines.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import orjson
import uvicorn
from pydantic import ValidationError
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from benchmarks.http.null import NullEngine, open_engine
from seqserve.tasks import TASKS as SPECS
from seqserve.tasks import Task as TaskName
from service.api.schemas import SCHEMAS, TaskSchema
from service.settings import Settings

MAX_BATCH: int = Settings.model_fields["max_batch_texts"].default

_Waiting = tuple[str, asyncio.Future[Any]]


class GreedyQueue:
    """Takes whatever waits when the engine is free, `MAX_BATCH` at most."""

    def __init__(self, task: TaskName, engine: NullEngine) -> None:
        self._item_type = SPECS[task].item
        self._engine = engine
        self._queue: asyncio.Queue[_Waiting] = asyncio.Queue()
        self._thread = ThreadPoolExecutor(1)

    async def answer(self, texts: list[str]) -> list[Any]:
        """Give the results of the texts of one request."""
        loop = asyncio.get_running_loop()
        waiting: list[_Waiting] = [(text, loop.create_future()) for text in texts]
        for one in waiting:
            self._queue.put_nowait(one)
        return [await result for _, result in waiting]

    async def run(self) -> None:
        """Compute batches for ever."""
        loop = asyncio.get_running_loop()
        while True:
            batch = [await self._queue.get()]
            while len(batch) < MAX_BATCH and not self._queue.empty():
                batch.append(self._queue.get_nowait())
            items = [self._item_type(text) for text, _ in batch]
            results = await loop.run_in_executor(self._thread, self._engine.predict, items)
            for (_, waiting), result in zip(batch, results, strict=True):
                waiting.set_result(result)


def build_app(bundles: Path) -> Starlette:
    """Make the application, with one route per task."""
    queues = {task: GreedyQueue(task, open_engine(bundles / task)) for task in SPECS}

    @asynccontextmanager
    async def lifespan(app: Starlette) -> Any:
        running = [asyncio.create_task(queue.run()) for queue in queues.values()]
        yield
        for one in running:
            one.cancel()

    async def ready(request: Request) -> Response:
        return Response()

    routes = [
        Route(t.path, _endpoint(t, queues[t.name]), methods=["POST"]) for t in SCHEMAS.values()
    ]
    return Starlette(routes=[*routes, Route("/readyz", ready)], lifespan=lifespan)


def _endpoint(task: TaskSchema, queue: GreedyQueue) -> Callable[[Request], Awaitable[Response]]:
    async def answer(request: Request) -> Response:
        try:
            asked: Any = task.request.model_validate_json(await request.body())
        except ValidationError:
            return Response(status_code=422)
        results = await queue.answer(asked.text)
        document = {
            "model": f"null-{task.name}",
            "version": "1.0.0",
            "results": results,
            "usage": {"n_texts": len(results), "n_tokens": sum(r.n_tokens for r in results)},
        }
        return Response(orjson.dumps(document), media_type="application/json")

    return answer


if __name__ == "__main__":
    uvicorn.run(
        build_app(Path(sys.argv[2])),
        port=int(sys.argv[1]),
        loop="uvloop",
        http="httptools",
        access_log=False,
        log_level="warning",
    )
