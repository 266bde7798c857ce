"""JSON log lines on stdout, each with the request id; identity and card numbers are masked wherever they stand."""

import contextvars
import logging
import sys
from collections.abc import MutableMapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, TextIO

import orjson
import structlog

from .identity import mask_in_text
from .ids import new_id

_request_id: contextvars.ContextVar[str] = contextvars.ContextVar("request_id", default="")


@dataclass
class _Out:
    """Whose lines are written, and where, since `configure`."""

    service: str = ""
    stream: TextIO = sys.stdout


_out = _Out()


def current_request_id() -> str:
    """The id of the request being served, or a fresh one for work without a request."""
    if not _request_id.get():
        _request_id.set(str(new_id()))
    return _request_id.get()


def begin_request(request_id: str) -> None:
    """Bind the id to everything logged and asked from here on."""
    _request_id.set(request_id)


def mask_identity_numbers(_logger: Any, _method: str, line: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """structlog processor: no identity or card number leaves in a log line, whatever field or depth it stands in."""
    masked: MutableMapping[str, Any] = _masked(dict(line))
    return masked


def write_request(method: str, route: str, status: int, ms: float, client_id: str) -> None:
    """The line of a request that was answered, as structlog would write it, but without its way there, because every
    request has one. `route` is a path as we declare it, in which no number stands."""
    line = {
        "method": mask_in_text(method),
        "route": route,
        "status": status,
        "ms": ms,
        "client_id": mask_in_text(client_id),
        "level": "info",
        "timestamp": datetime.now(UTC),
        "service": _out.service,
        "request_id": mask_in_text(_request_id.get()),
        "event": "request",
    }
    _out.stream.write(orjson.dumps(line, option=orjson.OPT_UTC_Z | orjson.OPT_APPEND_NEWLINE).decode())
    _out.stream.flush()


def configure(service: str) -> None:
    """Send structlog and the standard library's logging to stdout as JSON lines."""
    _out.service, _out.stream = service, sys.stdout
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        _add_context(service),
    ]
    structlog.configure(
        processors=[
            *shared,
            structlog.processors.format_exc_info,
            mask_identity_numbers,
            structlog.processors.JSONRenderer(),
        ],
        logger_factory=structlog.PrintLoggerFactory(sys.stdout),
        cache_logger_on_first_use=False,
    )
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[*shared, structlog.stdlib.ExtraAdder()],
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.format_exc_info,
                mask_identity_numbers,
                structlog.processors.JSONRenderer(),
            ],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.INFO)
    for noisy in ("httpx", "httpcore", "uvicorn.access"):
        logging.getLogger(noisy).setLevel(logging.WARNING)
    for name in ("uvicorn", "uvicorn.error"):
        logging.getLogger(name).handlers[:] = []
        logging.getLogger(name).propagate = True


def _add_context(service: str) -> Any:
    def add(_logger: Any, _method: str, line: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
        line["service"] = service
        if _request_id.get():
            line.setdefault("request_id", _request_id.get())
        return line

    return add


def _masked(value: Any) -> Any:
    if value is None or isinstance(value, bool | float):
        return value
    if isinstance(value, int):
        masked = mask_in_text(str(value))
        return value if masked == str(value) else masked
    if isinstance(value, dict):
        return {mask_in_text(str(name)): _masked(inner) for name, inner in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_masked(inner) for inner in value]
    # Whatever else there is, the line would show as text: identifiers, instants, exceptions, records.
    return mask_in_text(value if isinstance(value, str) else str(value))
