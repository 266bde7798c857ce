"""The job behind lists: takes what waits, ends what full lists no longer name, takes back what withdrawn ones told.

Each chunk works out the statuses of some persons anew, in one transaction with the cursor: killed, it goes on there.
"""

from functools import partial
from uuid import UUID

from shared.database import Row, Writer
from shared.jobs import in_turn

from ..rules import FEED_TRANSITIONS, FeedAct, FeedState
from ..store import claims, feeds, hukou, persons, suppliers
from .suite import JOB, Eligibility
from .taking import take_feed
from .working_out import work_out

CHUNK_PERSONS = 1_000


async def take_feeds(service: Eligibility) -> bool:
    """Do what is waiting, of each supplier the oldest list first; whether there was anything to do.

    Raises what the first list raised that could not be taken, after the others were.
    """
    async with service.database.reading() as tx:
        working = await feeds.working_feeds(tx)
    return await in_turn(working, partial(_work_on, service))


async def _work_on(service: Eligibility, feed: Row) -> bool:
    if feed["state"] == FeedState.RECEIVED:
        return await take_feed(service, feed)
    worked = False
    while await sweep_chunk(service, feed):
        worked = True
    return worked


async def sweep_chunk(service: Eligibility, feed: Row) -> bool:
    """Go through the next persons whom an ending or withdrawn list concerns; False where nothing is left to do."""
    pool, feed_id, state = feed["pool"], feed["feed_id"], FeedState(feed["state"])
    async with service.database.writing() as tx:
        await suppliers.take_turn(tx, pool, feed["supplier"])
        cursor = await feeds.lock_work(tx, pool, feed_id, state)
        if cursor is None:
            return False
        now = service.clock.now()
        ending = state is FeedState.ENDING
        concerned, moved = await (_silent if ending else _told)(tx, feed, cursor["sweep_after"])
        changed = await work_out(tx, pool, feed["supplier"], now, concerned)
        await persons.raise_versions(tx, pool, sorted(changed | moved))
        if len(concerned) < CHUNK_PERSONS:
            last = FeedAct.END_LAST if ending else FeedAct.TAKE_BACK_LAST
            await feeds.set_swept(tx, pool, feed_id, FEED_TRANSITIONS[state, last])
        else:
            await feeds.move_sweep(tx, pool, feed_id, concerned[-1])
        who = feed["received_by"] if ending else feed["withdrawn_by"]
        action = "feed.swept" if ending else "feed.taken_back"
        tx.audit(pool, action, JOB, who, now, sorted({*concerned, *moved}), {"feed_id": str(feed_id)})
    return True


async def _silent(tx: Writer, feed: Row, after: UUID | None) -> tuple[list[UUID], set[UUID]]:
    return await claims.persons_not_named(tx, feed["pool"], feed, after, CHUNK_PERSONS), set()


async def _told(tx: Writer, feed: Row, after: UUID | None) -> tuple[list[UUID], set[UUID]]:
    """About whom the supplier has said anything: what this list ended comes back. And whose hukou it told of."""
    concerned = await hukou.persons_of_supplier(tx, feed["pool"], feed["supplier"], after, CHUNK_PERSONS)
    return concerned, await hukou.told_of_hukou(tx, feed["pool"], feed["feed_id"], concerned)
