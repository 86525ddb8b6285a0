"""A minimal server for the same requests: Starlette on uvicorn, an asyncio queue, greedy batches, a thread.

It validates requests with the same pydantic models and calls the same engines; it has no limits, deadlines,
ids, logs, metrics, health checks or processes.

`python -m benchmarks.http.bare PORT BUNDLES` serves null engines.
"""

from __future__ import annotations

import asyncio
import sys
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
from seqserve.bundle_folder import tasks_in
from seqserve.tasks import TASKS as SPECS
from service.api.schemas import SCHEMAS, TaskSchema
from service.settings import Settings

MAX_BATCH: int = Settings.model_fields["max_batch_texts"].default


class GreedyQueue:
    """Batches whatever is queued when the engine is free, `MAX_BATCH` at most."""

    def __init__(self, task: TaskSchema, engine: NullEngine) -> None:
        self._task, self._item_type, self._engine = task, SPECS[task.name].item, engine
        self._queue: asyncio.Queue[tuple[str, asyncio.Future[Any]]] = asyncio.Queue()
        self._thread = ThreadPoolExecutor(1)

    async def answer(self, request: Request) -> Response:
        """Queue the texts of a request, and wait for their results."""
        try:
            body: Any = self._task.request.model_validate_json(await request.body())
        except ValidationError:
            return Response(status_code=422)
        loop = asyncio.get_running_loop()
        pending = [(text, loop.create_future()) for text in body.text]
        for one in pending:
            self._queue.put_nowait(one)
        results = [await result for _, result in pending]
        document = {
            "model": f"null-{self._task.name}",
            "version": "1.0.0",
            "results": results,
            "usage": {"n_texts": len(results), "n_tokens": sum(r.n_tokens for r in results)},
        }
        return Response(orjson.dumps(document), media_type="application/json")

    async def run(self) -> None:
        """Compute batches forever."""
        loop = asyncio.get_running_loop()
        while True:
            batch = [await self._queue.get()]
            while len(batch) < MAX_BATCH and not self._queue.empty():
                batch.append(self._queue.get_nowait())
            items = [self._item_type(text) for text, _ in batch]
            results = await loop.run_in_executor(self._thread, self._engine.predict, items)
            for (_, pending), result in zip(batch, results, strict=True):
                pending.set_result(result)


def build_app(bundles: Path) -> Starlette:
    """Build the application, with one route for each task that has a bundle."""
    queues = {
        SPECS[task].path: GreedyQueue(SCHEMAS[task], open_engine(bundles / task))
        for task in tasks_in(bundles)
    }

    @asynccontextmanager
    async def lifespan(app: Starlette) -> Any:
        running = [asyncio.create_task(queue.run()) for queue in queues.values()]
        yield
        for one in running:
            one.cancel()

    async def ready(request: Request) -> Response:
        return Response()

    routes = [Route(path, queue.answer, methods=["POST"]) for path, queue in queues.items()]
    return Starlette(routes=[*routes, Route("/readyz", ready)], lifespan=lifespan)


if __name__ == "__main__":
    uvicorn.run(
        build_app(Path(sys.argv[2])),
        port=int(sys.argv[1]),
        loop="uvloop",
        http="httptools",
        access_log=False,
        log_level="warning",
    )
