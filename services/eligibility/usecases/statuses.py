"""Questions about statuses: which ones held on a day, as known at an instant, on what they rest, and why not others.

Each leaves an audit line.
"""

from collections.abc import AsyncIterator, Sequence
from typing import Any
from uuid import UUID

from shared.database import Row
from shared.regions import area_covers_pool, pool_prefix
from shared.tokens import Caller

from .. import formats, rules, schemas
from ..store import statuses as store
from .moments import Moment
from .persons import read_persons
from .suite import Eligibility

_STREAMED_AT_ONCE = 2_000


async def query_statuses(
    service: Eligibility, caller: Caller, pool: str, person_ids: Sequence[UUID], asked: Moment, *, explain: bool
) -> dict[str, Any]:
    """The statuses that persons hold, each with the row it rests on; with `explain` also those that were near.

    Refuses the whole question where one of the persons is unknown or outside the caller's area: a person left out
    would read like a person without statuses. Raises Problem PERSON_UNKNOWN, AREA_FORBIDDEN.
    """
    wanted = list(dict.fromkeys(person_ids))
    async with service.database.writing() as tx:
        detail = {
            "as_of": asked.as_of.isoformat() if asked.as_of else "every day",
            "known_at": asked.known_at.isoformat(),
        }
        await read_persons(service, tx, caller, pool, wanted, "status.read", detail)
        if explain:
            found = await store.all_statuses(tx, pool, wanted, asked.known_at)
        else:
            found = await store.known_statuses(tx, pool, wanted, asked.known_at)
    held: dict[UUID, list[dict[str, Any]]] = {person_id: [] for person_id in wanted}
    near: dict[UUID, list[dict[str, Any]]] = {person_id: [] for person_id in wanted}
    for row in found:
        reason = _why_not(row, asked)
        shown = _shown_status(row)
        if reason is None:
            held[row["person_id"]].append(shown)
        else:
            near[row["person_id"]].append({**shown, "reason": reason})
    items = [
        {"person_id": person_id, "statuses": held[person_id], "near": near[person_id] if explain else None}
        for person_id in wanted
    ]
    return {"as_of": asked.as_of, "known_at": asked.known_at, "items": items}


async def list_holders(
    service: Eligibility,
    caller: Caller,
    pool: str,
    code: str,
    region: str | None,
    asked: Moment,
    after: UUID | None,
    limit: int,
) -> Sequence[dict[str, Any]]:
    """Who holds a status on a day, with a hukou in a region; one more than `limit` where there are more.

    Without a region: all that the caller's area takes in. Raises Problem AREA_FORBIDDEN.
    """
    wanted = _region_for(caller, pool, region)
    assert asked.as_of is not None
    async with service.database.writing() as tx:
        rows = await store.holders(tx, pool, code, wanted, asked.as_of, asked.known_at, after, limit)
        persons = [row["person_id"] for row in rows[:limit]]
        detail = {"code": code, "region": wanted, "as_of": asked.as_of.isoformat()}
        tx.audit(pool, "status.listed", caller.client_id, caller.subject, service.clock.now(), persons, detail)
    return [_shown_status(row) for row in rows]


def export_holders(
    service: Eligibility, caller: Caller, pool: str, code: str, region: str | None, asked: Moment
) -> AsyncIterator[bytes]:
    """The same as JSON lines, read bit by bit; what is known stands still at the moment of the question.

    Raises Problem AREA_FORBIDDEN before the first line.
    """
    _region_for(caller, pool, region)

    async def lines() -> AsyncIterator[bytes]:
        after: UUID | None = None
        while True:
            rows = await list_holders(service, caller, pool, code, region, asked, after, _STREAMED_AT_ONCE)
            shown = rows[:_STREAMED_AT_ONCE]
            holders = [schemas.Holder.model_validate(row).model_dump(mode="json") for row in shown]
            if holders:
                yield formats.write_lines(holders)
            if len(rows) <= _STREAMED_AT_ONCE:
                return
            after = shown[-1]["person_id"]

    return lines()


def _region_for(caller: Caller, pool: str, region: str | None) -> str:
    """The prefix that hukou must have: "" for everybody, also those whose hukou nobody has told."""
    if region is None:
        caller.require_touch(pool)
        return "" if area_covers_pool(caller.area, pool) else caller.area
    caller.require_region(region)
    return pool_prefix(region) if len(region) == 6 else region


def _why_not(row: Row, asked: Moment) -> rules.NearReason | None:
    days, known = (row["identified_on"], row["valid_to"]), (row["recorded_at"], row["withdrawn_at"])
    return rules.why_not(*days, *known, asked.as_of, asked.known_at)


def _shown_status(row: Row) -> dict[str, Any]:
    evidence = {
        "supplier": row["supplier"],
        "feed_id": row["feed_id"],
        "row": row["row_no"],
        "sha256": row["sha256"],
        "ended_by": row["ended_by"],
    }
    return {**row, "evidence": evidence}
