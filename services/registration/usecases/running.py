"""Runs of a package over everybody who is enrolled in a scheme: started in one transaction, done in many.

    start → claim (tx: lease) → per chunk: read, judge (no transaction) → tx: note what was found, move the cursor

As with rosters, a process that dies resumes behind the last chunk, and a worker whose lease ran out finds the cursor
moved and lets go. No chunk holds more than `CHUNK_PEOPLE`, however many are enrolled.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from shared.clock import wall_now
from shared.database import Row, Writer
from shared.ids import new_id

from ..rules.states import RUN_TRANSITIONS, RunAct, RunState
from ..store import package_runs as store
from ..store import packages as package_store
from .registration import Registration

DRY_RUN, CORRECTION = "dry_run", "correction"
CHUNK_PEOPLE = 500
LEASE_SECONDS = 20


async def start_run(tx: Writer, pool: str, purpose: str, told: Mapping[str, Any], now: datetime) -> UUID:
    """Start a run over the people of `told["scheme"]`; its id."""
    run_id = new_id()
    row = {
        "pool": pool,
        "run_id": run_id,
        "purpose": purpose,
        **told,
        "state": RUN_TRANSITIONS[None, RunAct.START],
        "free_from": wall_now(),
        "persons_done": 0,
        "persons_changed": 0,
        "persons_refused": 0,
        "persons_left": 0,
        "started_at": now,
        "version": 1,
    }
    await store.insert_run(tx, row)
    return run_id


async def claim_run(service: Registration, purpose: str) -> Row | None:
    """Take a run that nobody works on."""
    async with service.database.reading() as tx:
        pools = await package_store.list_pools(tx)
    for pool in pools:
        async with service.database.writing() as tx:
            now = wall_now()
            claimed = await store.claim_running(tx, pool, purpose, now, now + timedelta(seconds=LEASE_SECONDS))
        if claimed is not None:
            return claimed
    return None


async def hold_run(tx: Writer, run: Row, cursor: UUID | None) -> bool:
    """Whether the run still stands where this worker left it; its row is locked until the transaction ends."""
    standing = await store.lock_run(tx, run["pool"], run["run_id"])
    return bool(standing["state"] == RunState.RUNNING and standing["last_id"] == cursor)


async def advance_run(
    tx: Writer, run: Row, *, last_id: UUID | None, is_last: bool, counts: Mapping[str, int], now: datetime
) -> None:
    """Move a locked run behind a chunk; `counts` says how many were done, changed, refused and left."""
    told = {
        "state": RUN_TRANSITIONS[RunState.RUNNING, RunAct.JUDGE_LAST if is_last else RunAct.JUDGE_PEOPLE],
        "ended_at": now if is_last else None,
        "last_id": last_id,
        "free_from": wall_now() + timedelta(seconds=LEASE_SECONDS),
        **{name: counts.get(name, 0) for name in ("done", "changed", "refused", "left")},
    }
    await store.advance(tx, run["pool"], run["run_id"], told)
