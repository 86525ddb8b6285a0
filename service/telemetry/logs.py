"""Structured logs on stdout: JSON lines, or readable lines on a terminal.

No line has a text, a key or a client address. Messages of exceptions may quote the request
(`KeyError: 'Harry'`), so a failure is logged as the class of the exception and its stack frames. That also
holds for the records of the framework, of asyncio and of warnings.
"""

from __future__ import annotations

import json
import logging
import sys
import traceback
import zlib
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, Literal, TypeAlias

import orjson
import structlog
from structlog.typing import EventDict, Processor

from service.telemetry.line_writer import LineWriter

LogFormat: TypeAlias = Literal["auto", "json", "text"]

_OURS = logging.getLogger("seqserve")
_FRAMEWORK_LOGGERS = ("bentoml", "uvicorn", "uvicorn.error", "circus")
_MAX_FRAMES = 12


def failure_fields(error: BaseException) -> dict[str, object]:
    """Return what may be logged about an exception.

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
    """Replace `exc_info` by what may be logged about the exception."""
    error = event.pop("exc_info", None)
    if isinstance(error, tuple):
        error = error[1]
    if error is True:
        error = sys.exc_info()[1]
    if isinstance(error, BaseException):
        event.update(failure_fields(error))
    return event


def _without_reprs(logger: object, method: str, event: EventDict) -> EventDict:
    """Keep the first line of asyncio's records: the others print futures with their exceptions."""
    if event.get("logger") == "asyncio":
        event["event"] = str(event["event"]).partition("\n")[0]
    return event


def _to_json(event: Any, **_: object) -> str:
    try:
        return orjson.dumps(event, default=repr).decode()
    except TypeError:  # a file name that is not UTF-8, a number of more than 64 bits
        return json.dumps(event, default=repr)


class _StdoutLines(logging.Handler):
    """Write lines to stdout from any thread, without ever waiting for it.

    Args:
        is_json: Whether the lines are JSON.
    """

    def __init__(self, is_json: bool) -> None:
        super().__init__()
        self.is_json = is_json
        self.write_line = _line_writer(is_json)

    def createLock(self) -> None:
        """Need no lock: the writer has its own, and none is held while a line is formatted."""
        self.lock = None

    def emit(self, record: logging.LogRecord) -> None:
        """Write a record."""
        try:
            self.write_line(f"{self.format(record)}\n")
        except Exception:  # a record that cannot be formatted
            self.handleError(record)

    def write(self, event: dict[str, object]) -> None:
        """Write a JSON line that needs no further processing."""
        self.write_line(f"{_to_json(event)}\n")


_WRITERS: dict[int, LineWriter] = {}  # by descriptor; one per process


def _line_writer(is_json: bool) -> Callable[[str], None]:
    """Return the function that writes a line to stdout."""
    stream = sys.stdout
    try:
        fd = stream.fileno()
    except (OSError, ValueError, AttributeError):  # not a file: it cannot block
        return lambda line: print(line, end="", file=stream, flush=True)
    if fd not in _WRITERS:
        explain = _dropped_json if is_json else _dropped_text
        _WRITERS[fd] = LineWriter(fd, _count_dropped, explain)
    return _WRITERS[fd].write


def _count_dropped(n_lines: int) -> None:
    # Not imported here: the supervisor must set a variable before prometheus_client is imported.
    module = sys.modules.get("service.telemetry.metrics")
    if (count := getattr(module, "count_dropped_lines", None)) is not None:
        count(n_lines)


def _dropped_json(n_lines: int) -> str:
    fields = {"n_lines": n_lines, "event": "log lines dropped", "level": "warning"}
    return f"{_to_json({**fields, 'timestamp': _timestamp()})}\n"


def _dropped_text(n_lines: int) -> str:
    return f"{_timestamp()} [warning  ] log lines dropped              n_lines={n_lines}\n"


def _timestamp() -> str:
    return f"{datetime.now(UTC).replace(tzinfo=None).isoformat()}Z"


def flush_logs() -> None:
    """Write what was logged so far; to be called before the process ends without `atexit`."""
    for writer in _WRITERS.values():
        writer.flush()


def print_text(text: str) -> None:
    """Print to stdout in the order of the log, as a person reads it, without waiting for stdout."""
    for handler in logging.getLogger().handlers:
        if isinstance(handler, _StdoutLines):
            handler.write_line(f"{text}\n")
            return
    print(text, flush=True)


def is_text_format(log_format: LogFormat) -> bool:
    """Return whether logs are readable lines instead of JSON; `auto` depends on stdout."""
    return log_format == "text" or (log_format == "auto" and sys.stdout.isatty())


def configure_logging(level: str, log_format: LogFormat = "auto") -> None:
    """Send every record of this process, the framework's included, to stdout as one line.

    BentoML sets its own handlers before it imports the service, so the call at import prevails.

    Args:
        level: The lowest level of our records. Those of the framework are logged from `warning` on, or all
            of BentoML's if it is `debug`.
        log_format: JSON lines, readable lines, or what suits stdout.
    """
    is_text = is_text_format(log_format)
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        _without_messages,
    ]
    renderer: Processor = structlog.processors.JSONRenderer(serializer=_to_json)
    if is_text:
        renderer = structlog.dev.ConsoleRenderer(colors=sys.stdout.isatty())
    handler = _StdoutLines(is_json=not is_text)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[*shared, structlog.stdlib.add_logger_name, _without_reprs],
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
    logging.getLogger("bentoml").setLevel(logging.INFO if level == "debug" else logging.WARNING)
    _OURS.setLevel(level.upper())
    logging.captureWarnings(True)
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


def is_sampled(request_id: str, share: float) -> bool:
    """Return whether a successful request is logged.

    It depends on the id alone, so that all processes select the same requests.

    Args:
        request_id: Of the request.
        share: The fraction that is logged, 0 to 1.
    """
    return share >= 1 or zlib.crc32(request_id.encode()) < share * 2**32


def is_logged(level: int) -> bool:
    """Return whether our records of this level are written."""
    return _OURS.isEnabledFor(level)


def log_request(level: int, fields: dict[str, object]) -> None:
    """Write the line of a request, as the logger would, in a tenth of its time.

    Args:
        level: One that `is_logged`.
        fields: The fields of the line; modified.
    """
    for handler in logging.getLogger().handlers:
        if isinstance(handler, _StdoutLines) and handler.is_json:
            fields["event"] = "request"
            fields["level"] = logging.getLevelName(level).lower()
            fields["timestamp"] = _timestamp()
            handler.write(fields)
            return
    get_logger().log(level, "request", **fields)  # text format, or logging is not configured


def get_logger() -> structlog.stdlib.BoundLogger:
    """Return the logger of the service."""
    logger: structlog.stdlib.BoundLogger = structlog.get_logger("seqserve")
    return logger
