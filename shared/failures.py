"""What a caller is told where the database or another service fails us."""

import structlog
from fastapi import FastAPI, Request, Response
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolExhausted

from . import problem
from .http import UPSTREAM_REFUSED, UpstreamRefusal

_log = structlog.get_logger()

_SAID_BY_A_NODE = (
    "canceling statement due to lock timeout",
    "deadlock detected",
    "terminating connection due to administrator command",
)
"""Of what a Citus node says while rows are copied to it the coordinator hands on the words alone, under XX000."""


def answer_database_failures(app: FastAPI) -> None:
    @app.exception_handler(DBAPIError)
    async def _busy(request: Request, error: DBAPIError) -> Response:
        state = str(getattr(error.orig, "sqlstate", None) or "")
        # Connection lost, lock or deadlock, shutting down: the same request may come again with its key, and where the
        # commit was on its way already it is answered as it was carried out.
        busy = state[:2] in ("08", "40", "53", "55", "57") or (
            state == "XX000" and any(words in str(error.orig) for words in _SAID_BY_A_NODE)
        )
        if error.connection_invalidated or not state or busy:
            _log.warning("database_busy", sqlstate=state, error=str(error.orig))
            return problem.problem_response(request, problem.BUSY())
        # A text with U+0000, a number or an instant beyond what the database can hold: the request has to change.
        if state in ("22021", "22P05") or (state == "22000" and "out of range" in str(error.orig)):
            return problem.problem_response(request, problem.not_storable(problem.language_of(request)))
        raise error

    async def _away(request: Request, error: Exception) -> Response:
        _log.warning("database_away", error=str(error))
        return problem.problem_response(request, problem.BUSY())

    app.add_exception_handler(OSError, _away)
    app.add_exception_handler(PoolExhausted, _away)


def answer_upstream_refusals(app: FastAPI) -> None:
    @app.exception_handler(UpstreamRefusal)
    async def _refused(request: Request, error: UpstreamRefusal) -> Response:
        _log.warning("upstream_refused", upstream=error.name, status=error.status, code=error.code)
        return problem.problem_response(request, UPSTREAM_REFUSED(name=error.name, code=error.code or error.status))
