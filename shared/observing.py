"""One request as it passes through: its id, the limit of its body, its log line, its metrics, and an answer for what
nobody expected. The only middleware that is ours; plain ASGI.
"""

import time
from collections.abc import Mapping

import structlog
from fastapi import Request
from fastapi.routing import APIRoute
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from . import logs, metrics, problem
from .evidence import LIMIT_BYTES
from .ids import new_id

JSON_LIMIT_BYTES = 16 * 1024 * 1024
"""The largest body of a request that is no file; a batch of 10,000 persons is a tenth of it."""

_QUIET = ("/healthz", "/readyz", "/metrics")
_log = structlog.get_logger()


class Observe:
    """One request: its id, its log line, its metrics, and an answer for what nobody expected."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = dict(reversed(scope["headers"]))  # of several the first, as everybody behind us reads them
        request_id = _safe_request_id(headers.get(b"x-request-id", b"")) or str(new_id())
        logs.begin_request(request_id)
        began, status, started = time.perf_counter(), 500, False

        async def send_with_id(message: Message) -> None:
            nonlocal status, started
            if message["type"] == "http.response.start":
                status, started = message["status"], True
                message["headers"] = [*message.get("headers", []), (b"x-request-id", request_id.encode())]
            await send(message)

        try:
            await self._app(scope, _limited(headers, receive), send_with_id)
        except Exception:
            _log.exception("request_failed", path=scope["path"])
            if started:
                raise
            request = Request(scope, receive)
            answer = problem.problem_response(request, problem.INTERNAL(request_id=request_id))
            await answer(scope, receive, send_with_id)
        finally:
            if upload := scope.get("state", {}).get("upload_file"):
                upload.close()
            self._count(scope, status, time.perf_counter() - began)

    def _count(self, scope: Scope, status: int, seconds: float) -> None:
        route = scope.get("route")
        path = route.path if isinstance(route, APIRoute) else "other"
        metrics.count_request(scope["method"], path, status, seconds)
        if path not in _QUIET:
            client_id = scope.get("state", {}).get("client_id", "")
            logs.write_request(scope["method"], path, status, round(seconds * 1000, 1), client_id)


def _limited(headers: Mapping[bytes, bytes], receive: Receive) -> Receive:
    """The body of a request, cut off with a 413 where it grows beyond what its kind may have.

    FastAPI reads a JSON body whole before it looks at the token; files are read by `evidence.receive_upload`, which
    has a limit of its own.
    """
    is_file = headers.get(b"content-type", b"").startswith(b"application/octet-stream")
    limit_bytes = LIMIT_BYTES + 1 if is_file else JSON_LIMIT_BYTES
    received_bytes = 0

    async def receive_within() -> Message:
        nonlocal received_bytes
        message = await receive()
        received_bytes += len(message.get("body", b""))
        if received_bytes > limit_bytes:
            raise problem.BodyTooLarge(limit_bytes)
        return message

    return receive_within


def _safe_request_id(given: bytes) -> str:
    text_id = given.decode("latin-1")
    return text_id if 0 < len(text_id) <= 100 and text_id.isascii() and text_id.isprintable() else ""
