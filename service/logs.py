"""JSON lines on stdout, one per request, never a text, a key or a client address.

Messages of exceptions may quote what the caller sent (`KeyError: 'Harry'`), so a failure is logged
as the class of the exception and the places it went through. That holds for the framework's own
records, too.
"""

from __future__ import annotations

import logging
import sys
import traceback

import structlog
from structlog.typing import EventDict, Processor

_FRAMEWORK_LOGGERS = ("bentoml", "uvicorn", "uvicorn.error", "circus")
_MAX_FRAMES = 12


def failure_fields(error: BaseException) -> dict[str, object]:
    """What may be logged about an exception.

    Returns:
        `error`: the class, with the classes that caused it; `where`: file:line function, innermost last.
    """
    names = [type(error).__name__]
    cause = error.__cause__ or error.__context__
    while cause is not None and len(names) < _MAX_FRAMES:
        names.append(type(cause).__name__)
        cause = cause.__cause__ or cause.__context__
    frames = traceback.extract_tb(error.__traceback__)[-_MAX_FRAMES:]
    where = [f"{frame.filename}:{frame.lineno} {frame.name}" for frame in frames]
    return {"error": " <- ".join(names), "where": where}


def _without_messages(logger: object, method: str, event: EventDict) -> EventDict:
    """Replaces `exc_info` by what may be logged about the exception."""
    error = event.pop("exc_info", None)
    if isinstance(error, tuple):
        error = error[1]
    if error is True:
        error = sys.exc_info()[1]
    if isinstance(error, BaseException):
        event.update(failure_fields(error))
    return event


def configure_logging(level: str) -> None:
    """Sends every record of this process, the framework's included, to stdout as one JSON line.

    BentoML sets its own handlers before it imports the service, so calling this at import wins.

    Args:
        level: The lowest level of our records; the framework's start at `warning`, BentoML's at `info`.
    """
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        _without_messages,
    ]
    renderer = structlog.processors.JSONRenderer(sort_keys=False)
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[*shared, structlog.stdlib.add_logger_name],
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, renderer],
        )
    )
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(logging.WARNING)
    for name in _FRAMEWORK_LOGGERS:
        logger = logging.getLogger(name)
        logger.handlers = []
        logger.propagate = True
    logging.getLogger("seqserve").setLevel(level.upper())
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *shared,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=False,
    )


def get_logger() -> structlog.stdlib.BoundLogger:
    """The one logger of the service."""
    logger: structlog.stdlib.BoundLogger = structlog.get_logger("seqserve")
    return logger
