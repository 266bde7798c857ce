"""Two records become one person, and are parted again: in one transaction, with the statuses that follow.

Nothing is rewritten. What lists said stays with the record it was said of; from an instant on the survivor answers for
both, and holds the statuses that follow from what was said of either. Before that instant each answers as it did.
Every supplier's turn is taken first: no list is worked out meanwhile, and two merges that cross come one after another.
"""

from datetime import datetime
from uuid import UUID

from shared.database import Row, Writer
from shared.ids import new_id
from shared.jobs import in_turn

from .. import schemas
from ..rules import MERGE_TRANSITIONS, MergeAct, MergeSource, MergeState, Record, merges_by_itself
from ..store import merges as store
from ..store import persons, suppliers
from .suite import JOB, Eligibility
from .working_out import work_out


async def tell(
    tx: Writer,
    pool: str,
    merged_id: UUID,
    surviving_id: UUID,
    source: MergeSource,
    reason: str,
    by: str,
    at: datetime,
) -> UUID | None:
    """Keep the word that two records are one. A list's or a partner's is carried out by the job, unless people have
    decided that they are not; a clerk's waits for another person. None where nothing is to be done."""
    one = await store.survivors(tx, pool, [merged_id, surviving_id])
    if one[merged_id] == one[surviving_id]:
        return None
    if source is not MergeSource.CLERK and await store.was_denied(tx, pool, merged_id, surviving_id):
        return None
    act = MergeAct.PROPOSE if source is MergeSource.CLERK else MergeAct.TELL
    merge_id = new_id()
    row = {
        "pool": pool,
        "merge_id": merge_id,
        "merged_id": merged_id,
        "surviving_id": surviving_id,
        "source": source,
        "state": MERGE_TRANSITIONS[None, act],
        "reason": reason,
        "proposed_by": by,
        "proposed_at": at,
        "version": 1,
    }
    return merge_id if await store.insert_merge(tx, row) else None


async def settle_merges(service: Eligibility) -> bool:
    """Carry out what was told, take back what no list says any more; whether there was anything to do.

    Raises what the first merge raised that could not be settled, after the others were.
    """

    async def settle(row: Row) -> bool:
        return await _settle(service, row["pool"], row["merge_id"])

    async with service.database.reading() as tx:
        waiting = await store.merges_to_settle(tx)
    return await in_turn(waiting, settle)


async def _settle(service: Eligibility, pool: str, merge_id: UUID) -> bool:
    async with service.database.writing() as tx:
        await suppliers.take_every_turn(tx, pool, service.suppliers)
        merge = await store.lock_merge(tx, pool, merge_id)
        assert merge is not None
        act = await _next_act(tx, merge)
        if act is None:
            return False  # another worker was here first
        now = service.clock.now()
        await move(tx, merge, act, now)
        who = [merge["merged_id"], merge["surviving_id"]]
        tx.audit(pool, f"merge.{act}", JOB, merge["proposed_by"], now, who, {"merge_id": str(merge_id)})
    return True


async def move(tx: Writer, merge: Row, act: MergeAct, now: datetime) -> None:
    """Do to a locked merge what the graph allows, with everything that follows. The turns are taken."""
    pool, merge_id = merge["pool"], merge["merge_id"]
    state = MERGE_TRANSITIONS[MergeState(merge["state"]), act]
    if act in (MergeAct.MERGE, MergeAct.APPROVE):
        await store.set_state(tx, pool, merge_id, state, merged_at=now)
        await _unite(tx, merge, now)
    elif act in (MergeAct.UNDO, MergeAct.TAKE_BACK):
        await store.set_state(tx, pool, merge_id, state, undone_at=now)
        await _part(tx, merge, now)
    else:
        await store.set_state(tx, pool, merge_id, state)


async def _next_act(tx: Writer, merge: Row) -> MergeAct | None:
    state = MergeState(merge["state"])
    grounded = merge["told"] or merge["source"] != MergeSource.LIST
    if state in (MergeState.MERGED, MergeState.DISPUTED):
        return None if grounded or await _overtaken_by(tx, merge) else MergeAct.TAKE_BACK
    if state is MergeState.PROPOSED:
        return None if grounded else MergeAct.DROP
    if state is not MergeState.TOLD:
        return None
    one = await store.survivors(tx, merge["pool"], [merge["merged_id"], merge["surviving_id"]])
    gone, surviving = one[merge["merged_id"]], one[merge["surviving_id"]]
    if not grounded or gone == surviving:
        return MergeAct.DROP
    known = await store.records(tx, merge["pool"], [gone, surviving])
    fits = merges_by_itself(_record(known[gone]), _record(known[surviving]))
    return MergeAct.MERGE if fits else MergeAct.DOUBT


def _record(row: Row) -> Record:
    return Record(row["birth_date"], row["sex"], row["united"], row["newborn"], row["numbered"])


async def _unite(tx: Writer, merge: Row, now: datetime) -> None:
    pool = merge["pool"]
    one = await store.survivors(tx, pool, [merge["merged_id"], merge["surviving_id"]])
    gone, surviving = one[merge["merged_id"]], one[merge["surviving_id"]]
    if gone == surviving:
        raise schemas.MERGE_MOOT(merged_id=merge["merged_id"], surviving_id=merge["surviving_id"])
    people = await store.unite(tx, pool, merge["merge_id"], gone, surviving, now)
    await _work_out(tx, pool, [*people, surviving], now)
    _publish(tx, "person.merged", merge, gone, surviving, people, now)


async def _part(tx: Writer, merge: Row, now: datetime) -> None:
    pool = merge["pool"]
    if later := await _overtaken_by(tx, merge):
        raise schemas.MERGE_OVERTAKEN(merge_id=later)
    gone, surviving, people = await store.part(tx, pool, merge["merge_id"], now)
    await _work_out(tx, pool, [*people, surviving], now)
    _publish(tx, "person.parted", merge, gone, surviving, people, now)


async def _overtaken_by(tx: Writer, merge: Row) -> UUID | None:
    """The later merge by which somebody else answers for the survivor of this one; None: it is the last."""
    surviving = await store.united_into(tx, merge["pool"], merge["merge_id"])
    return await store.aliased_by(tx, merge["pool"], surviving)


async def _work_out(tx: Writer, pool: str, people: list[UUID], now: datetime) -> None:
    """Work out the statuses of everybody concerned, by every supplier that has said anything of them."""
    for supplier in await store.suppliers_of(tx, pool, people):
        await work_out(tx, pool, supplier, now, people)
    await persons.raise_versions(tx, pool, sorted(people))


def _publish(tx: Writer, kind: str, merge: Row, gone: UUID, surviving: UUID, people: list[UUID], now: datetime) -> None:
    news = schemas.MergeNews(
        merge_id=merge["merge_id"],
        person_id=gone,
        surviving_id=surviving,
        person_ids=sorted(people),
        source=merge["source"],
        reason=merge["reason"],
    )
    version = 1 if kind == "person.merged" else 2
    tx.publish(merge["pool"], kind, merge["merge_id"], version, now, news.model_dump(mode="json"))
