"""Dry runs as officers ask for them: start one, see how far it is and what it found, take it away, cancel it."""

from collections.abc import AsyncIterator, Sequence
from typing import Any
from uuid import UUID

from shared.database import Reader, Row, Writer
from shared.idempotency import Answer, Once
from shared.pages import page
from shared.tokens import Caller

from ..formats import dry_run as files
from ..rules.states import PackageState, RunState
from ..schemas import problems
from ..schemas.dry_runs import DryRunOut, DryRunRequest, DryRunSummary
from ..store import package_runs as store
from ..store import packages as package_store
from .registration import Registration, package_of_pool
from .running import DRY_RUN, start_run

_PIECE_ROWS = 1000


async def start_dry_run(
    service: Registration, caller: Caller, once: Once, scheme: str, version: str, asked: DryRunRequest
) -> Answer:
    """Start judging the people of a scheme by a package; a job does it.

    Raises Problem PACKAGE_UNKNOWN, AREA_FORBIDDEN, PACKAGE_STATE for one that was withdrawn, SCHEME_UNKNOWN.
    """
    against = asked.against or scheme
    async with service.database.reading() as reader:
        found = await package_store.find_version(reader, scheme, version)
        if found is None:
            raise problems.PACKAGE_UNKNOWN(scheme=scheme, version=version)
        pool: str = found["pool"]
        caller.require_pool(pool)
        await package_of_pool(reader, pool, against)

    async def start(tx: Writer) -> Answer:
        standing = await package_store.find_version(tx, scheme, version)
        assert standing is not None
        if standing["state"] == PackageState.WITHDRAWN:
            raise problems.PACKAGE_STATE(state=standing["state"])
        now = service.clock.now()
        told = {"scheme": against, "package_scheme": scheme, "package": version, "started_by": caller.subject}
        run_id = await start_run(tx, pool, DRY_RUN, told, now)
        named = {"scheme": against, "version": version, "run_id": str(run_id)}
        tx.audit(pool, "dry_run.started", caller.client_id, caller.subject, now, [], named)
        return Answer(201, DryRunOut.body_of(await store.lock_run(tx, pool, run_id)))

    return await once.run(service.database, pool, start)


async def cancel_dry_run(service: Registration, caller: Caller, pool: str, run_id: UUID) -> dict[str, Any]:
    """Cancel a dry run; one that has ended is answered as it stands.

    What it has found until then stays. Its version moves with every chunk, so it takes no If-Match. Raises Problem
    DRY_RUN_UNKNOWN, AREA_FORBIDDEN.
    """
    async with service.database.writing() as tx:
        await _find(tx, caller, pool, run_id)
        run = await store.lock_run(tx, pool, run_id)
        if run["state"] == RunState.RUNNING:
            now = service.clock.now()
            await store.cancel_run(tx, pool, run_id, now)
            detail = {"run_id": str(run_id)}
            tx.audit(pool, "dry_run.cancelled", caller.client_id, caller.subject, now, [], detail)
        return DryRunOut.body_of(await store.lock_run(tx, pool, run_id))


async def read_dry_run(service: Registration, caller: Caller, pool: str, run_id: UUID) -> dict[str, Any]:
    """One dry run with its sums, as far as it has come. Raises Problem DRY_RUN_UNKNOWN, AREA_FORBIDDEN."""
    async with service.database.reading() as tx:
        run = await _find(tx, caller, pool, run_id)
        sums = await store.list_sums(tx, pool, run_id)
        refusals = await store.list_refusals(tx, pool, run_id)
    return DryRunSummary.body_of({**run, "sums": list(map(dict, sums)), "refusals": list(map(dict, refusals))})


async def list_dry_runs(
    service: Registration, caller: Caller, pool: str, scheme: str, after: UUID | None, limit: int
) -> dict[str, Any]:
    """The dry runs of a scheme's packages, in the order in which they were started. Raises Problem AREA_FORBIDDEN."""
    caller.require_pool(pool)
    async with service.database.reading() as tx:
        rows = await store.list_runs(tx, pool, DRY_RUN, scheme, after=after, limit=limit)
    return page([DryRunOut.body_of(row) for row in rows], limit, lambda row: row["run_id"])


async def list_dry_run_changes(
    service: Registration,
    caller: Caller,
    pool: str,
    run_id: UUID,
    *,
    effect: str | None,
    after: UUID | None,
    limit: int,
) -> dict[str, Any]:
    """Whom a dry run changes; leaves an audit line. Raises Problem DRY_RUN_UNKNOWN, AREA_FORBIDDEN."""
    rows = await _changes(service, caller, pool, run_id, effect=effect, after=after, limit=limit)
    return page(rows, limit, lambda row: row["enrolment_id"])


async def export_dry_run_sums(service: Registration, caller: Caller, pool: str, run_id: UUID) -> bytes:
    """The sums as XLSX. Raises Problem DRY_RUN_UNKNOWN, AREA_FORBIDDEN, DRY_RUN_NOT_DONE."""
    async with service.database.reading() as tx:
        _require_done(await _find(tx, caller, pool, run_id))
        sums = await store.list_sums(tx, pool, run_id)
        refusals = await store.list_refusals(tx, pool, run_id)
    return files.write_sums(sums, refusals)


async def export_dry_run_changes(
    service: Registration, caller: Caller, pool: str, run_id: UUID
) -> AsyncIterator[bytes]:
    """Everybody a dry run changes as CSV, in pieces, each read in a transaction of its own with its audit line.

    Raises Problem DRY_RUN_UNKNOWN, AREA_FORBIDDEN, DRY_RUN_NOT_DONE, before the first piece.
    """
    async with service.database.reading() as tx:
        _require_done(await _find(tx, caller, pool, run_id))

    async def pieces() -> AsyncIterator[bytes]:
        after: UUID | None = None
        while True:
            rows = await _changes(service, caller, pool, run_id, effect=None, after=after, limit=_PIECE_ROWS)
            yield files.write_changes(rows[:_PIECE_ROWS], first=after is None)
            if len(rows) <= _PIECE_ROWS:
                return
            after = rows[_PIECE_ROWS - 1]["enrolment_id"]

    return pieces()


async def _changes(
    service: Registration,
    caller: Caller,
    pool: str,
    run_id: UUID,
    *,
    effect: str | None,
    after: UUID | None,
    limit: int,
) -> Sequence[Row]:
    async with service.database.writing() as tx:
        await _find(tx, caller, pool, run_id)
        rows = await store.list_changes(tx, pool, run_id, effect=effect, after=after, limit=limit)
        persons = [row["person_id"] for row in rows[:limit]]
        if persons:
            now, detail = service.clock.now(), {"run_id": str(run_id)}
            tx.audit(pool, "dry_run.read", caller.client_id, caller.subject, now, persons, detail)
    return rows


async def _find(tx: Reader, caller: Caller, pool: str, run_id: UUID) -> Row:
    caller.require_pool(pool)
    found = await store.find_run(tx, pool, DRY_RUN, run_id)
    if found is None:
        raise problems.DRY_RUN_UNKNOWN(run_id=run_id)
    return found


def _require_done(run: Row) -> None:
    if run["state"] != RunState.DONE:
        raise problems.DRY_RUN_NOT_DONE(state=run["state"], done=run["persons_done"], total=run["persons_total"])
