"""Merges in the hands of people: proposed by one and approved by another, disputed and undone likewise."""

from collections.abc import Sequence
from uuid import UUID

from shared.database import Row, Writer
from shared.idempotency import Answer, Once
from shared.tokens import Caller
from shared.versions import require_version

from .. import schemas
from ..rules import MERGE_TRANSITIONS, MergeAct, MergeSource, MergeState
from ..store import merges as store
from ..store import suppliers
from .persons import read_persons, require_not_erased
from .suite import Eligibility
from .uniting import move, tell


async def propose_merge(service: Eligibility, caller: Caller, once: Once, wanted: schemas.MergeProposal) -> Answer:
    """Say that two records are one person; another person decides. Raises Problem PERSON_UNKNOWN, PERSON_ERASED,
    AREA_FORBIDDEN, MERGE_MOOT where they are one already or a merge of them waits."""
    pool = wanted.pool

    async def work(tx: Writer) -> Answer:
        merged, surviving = wanted.merged_id, wanted.surviving_id
        # Turns first, which is everybody's order of locks: nobody is erased meanwhile.
        await suppliers.take_every_turn(tx, pool, service.suppliers)
        detail = {"reason": wanted.reason}
        records = await read_persons(service, tx, caller, pool, [merged, surviving], "merge.proposed", detail)
        require_not_erased(service, list(records.values()))
        now = service.clock.now()
        merge_id = await tell(tx, pool, merged, surviving, MergeSource.CLERK, wanted.reason, caller.subject, now)
        if merge_id is None:
            raise schemas.MERGE_MOOT(merged_id=merged, surviving_id=surviving)
        return _shown(await store.find_merge(tx, pool, merge_id), 201)

    caller.require_pool(pool)
    return await once.run(service.database, pool, work)


async def decide_merge(
    service: Eligibility,
    caller: Caller,
    once: Once,
    pool: str,
    merge_id: UUID,
    version: int,
    act: MergeAct,
    reason: str = "",
) -> Answer:
    """APPROVE or DECLINE what was proposed, DISPUTE a merge, UPHOLD it or UNDO it.

    Who has proposed or disputed does not decide about it.

    Raises Problem MERGE_UNKNOWN, VERSION_DIFFERS, MERGE_NOT_IN_STATE, MERGE_FOUR_EYES, MERGE_MOOT, MERGE_OVERTAKEN.
    """

    async def work(tx: Writer) -> Answer:
        # Turns before merges, which is everybody's order of locks.
        await suppliers.take_every_turn(tx, pool, service.suppliers)
        merge = await store.lock_merge(tx, pool, merge_id)
        if merge is None:
            raise schemas.MERGE_UNKNOWN(merge_id=merge_id)
        require_version(merge["version"], version)
        if (MergeState(merge["state"]), act) not in MERGE_TRANSITIONS:
            raise schemas.MERGE_NOT_IN_STATE(state=merge["state"])
        raised_by = merge["disputed_by"] if act in (MergeAct.UPHOLD, MergeAct.UNDO) else merge["proposed_by"]
        if act is not MergeAct.DISPUTE and raised_by == caller.subject:
            raise schemas.MERGE_FOUR_EYES(subject=caller.subject)
        now = service.clock.now()
        await move(tx, merge, act, now)
        if act is MergeAct.DISPUTE:
            await store.set_disputed(tx, pool, merge_id, caller.subject, now, reason)
        else:
            await store.set_decided(tx, pool, merge_id, caller.subject, now)
        who = [merge["merged_id"], merge["surviving_id"]]
        detail = {"merge_id": str(merge_id), "reason": reason}
        tx.audit(pool, f"merge.{act}", caller.client_id, caller.subject, now, who, detail)
        return _shown(await store.find_merge(tx, pool, merge_id))

    caller.require_pool(pool)
    return await once.run(service.database, pool, work)


async def read_merge(service: Eligibility, caller: Caller, pool: str, merge_id: UUID) -> Answer:
    """One merge. Raises Problem MERGE_UNKNOWN."""
    caller.require_pool(pool)
    async with service.database.writing() as tx:
        merge = await store.find_merge(tx, pool, merge_id)
        if merge is None:
            raise schemas.MERGE_UNKNOWN(merge_id=merge_id)
        _audit(service, tx, caller, pool, [merge])
        return _shown(merge)


async def list_merges(
    service: Eligibility,
    caller: Caller,
    pool: str,
    state: MergeState | None,
    person_id: UUID | None,
    after: UUID | None,
    limit: int,
) -> Sequence[Row]:
    """Merges in the order they were told or proposed; one more than `limit` where there are more."""
    caller.require_pool(pool)
    async with service.database.writing() as tx:
        rows = await store.list_merges(tx, pool, state, person_id, after, limit)
        _audit(service, tx, caller, pool, rows[:limit])
    return rows


def _audit(service: Eligibility, tx: Writer, caller: Caller, pool: str, merges: Sequence[Row]) -> None:
    who = sorted({person_id for merge in merges for person_id in (merge["merged_id"], merge["surviving_id"])})
    if who:
        tx.audit(pool, "merge.read", caller.client_id, caller.subject, service.clock.now(), who, {})


def _shown(merge: Row | None, status: int = 200) -> Answer:
    return Answer(status, schemas.Merge.model_validate(merge).model_dump(mode="json"))
