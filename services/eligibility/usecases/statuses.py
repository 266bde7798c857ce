"""Questions about statuses: which ones held on a day, as known at an instant, on what they rest, and why not others.

Each leaves an audit line.
"""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any
from uuid import UUID

from shared.database import Row, Writer
from shared.regions import area_covers_pool, pool_prefix
from shared.tokens import Caller

from .. import formats, rules, schemas
from ..store import statuses as store
from ..store.hukou import persons_in_pool, persons_in_region
from .moments import Moment
from .persons import Reading, record_readings, seen_by
from .suite import Eligibility

_STREAMED_AT_ONCE = 2_000
_GATHERED_PERSONS = 50
"""A question about more persons has a transaction of its own: nobody waits for it."""


@dataclass(frozen=True)
class Question:
    """Which statuses somebody asks for, as it is gathered with others (`shared/gathering.py`)."""

    caller: Caller
    person_ids: Sequence[UUID]
    asked: Moment
    explain: bool


async def query_statuses(
    service: Eligibility, caller: Caller, pool: str, person_ids: Sequence[UUID], asked: Moment, *, explain: bool
) -> dict[str, Any]:
    """The statuses that persons hold, each with the row it rests on; with `explain` also those that were near.

    Refuses the whole question where one of the persons is unknown or outside the caller's area: a person left out
    would read like a person without statuses. The audit line is on disk before the answer leaves; what is asked about
    few persons at one moment is one transaction. Raises Problem PERSON_UNKNOWN, AREA_FORBIDDEN.
    """
    question = Question(caller, list(dict.fromkeys(person_ids)), asked, explain)
    if len(question.person_ids) <= _GATHERED_PERSONS:
        commit = partial(_answer_questions, service, pool)
        return await service.gatherer.submit("statuses", pool, question, (), commit)
    (answer,) = await _answer_questions(service, pool, [question])
    if isinstance(answer, Exception):
        raise answer
    return answer


async def _answer_questions(
    service: Eligibility, pool: str, questions: Sequence[Question]
) -> list[dict[str, Any] | Exception]:
    """Answer questions in one transaction; one that is refused harms no other and leaves no audit line."""
    async with service.database.writing() as tx:
        refusals = await record_readings(service, tx, pool, "status.read", [_reading(one) for one in questions])
        granted = [one for one, refusal in zip(questions, refusals, strict=True) if refusal is None]
        of = [store.StatusesOf(one.person_ids, one.asked.known_at, one.explain) for one in granted]
        found = iter(await store.statuses_of(tx, pool, of) if of else [])
    return [refusal or _answer(one, next(found)) for one, refusal in zip(questions, refusals, strict=True)]


def _reading(question: Question) -> Reading:
    as_of = question.asked.as_of
    detail = {
        "as_of": as_of.isoformat() if as_of else "every day",
        "known_at": question.asked.known_at.isoformat(),
    }
    return Reading(question.caller, question.person_ids, detail)


def _answer(question: Question, found: Sequence[Row]) -> dict[str, Any]:
    asked = question.asked
    items: dict[UUID, dict[str, Any]] = {
        person_id: {"person_id": person_id, "statuses": [], "near": [] if question.explain else None}
        for person_id in question.person_ids
    }
    for row in found:
        reason = _why_not(row, asked)
        if reason is None:
            items[row["person_id"]]["statuses"].append(_shown_status(row))
        elif question.explain:
            items[row["person_id"]]["near"].append({**_shown_status(row), "reason": reason})
    return {"as_of": asked.as_of, "known_at": asked.known_at, "items": list(items.values())}


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

    Without a region: all that the caller's area takes in. Who belonged there on a past day and has moved out of the
    caller's area since is left out. Raises Problem AREA_FORBIDDEN.
    """
    wanted = _region_for(caller, pool, region)
    assert asked.as_of is not None
    async with service.database.writing() as tx:
        rows: list[Row] = []
        while True:
            more = await store.holders(tx, pool, code, wanted, asked.as_of, asked.known_at, after, limit)
            seen = await seen_by(service, tx, caller, pool, [row["person_id"] for row in more])
            rows += [row for row in more if row["person_id"] in seen]
            if len(more) <= limit or len(rows) > limit:
                break
            after = more[-1]["person_id"]
        persons = [row["person_id"] for row in rows[:limit]]
        detail = {"code": code, "region": wanted, "as_of": asked.as_of.isoformat()}
        tx.audit(pool, "status.listed", caller.client_id, caller.subject, service.clock.now(), persons, detail)
    return [_shown_status(row) for row in rows[: limit + 1]]


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


def export_statuses(
    service: Eligibility, caller: Caller, pool: str, region: str | None, asked: Moment, *, explain: bool
) -> AsyncIterator[bytes]:
    """The statuses of everybody in a region as JSON lines, read bit by bit: each bit has its transaction and its audit
    line, and what is known stands still at the moment of the question.

    Without a region: all that the caller's area takes in, as in `list_holders`. Raises Problem AREA_FORBIDDEN before
    the first line.
    """
    wanted = _region_for(caller, pool, region)
    assert asked.as_of is not None
    detail = {"region": wanted, "as_of": asked.as_of.isoformat(), "known_at": asked.known_at.isoformat()}

    async def lines() -> AsyncIterator[bytes]:
        after: Any = None
        while True:
            async with service.database.writing() as tx:
                there, after = await _persons_in(tx, pool, wanted, asked, after)
                seen = await seen_by(service, tx, caller, pool, there)
                persons = [person_id for person_id in there if person_id in seen]
                (found,) = await store.statuses_of(tx, pool, [store.StatusesOf(persons, asked.known_at, explain)])
                tx.audit(
                    pool, "status.exported", caller.client_id, caller.subject, service.clock.now(), persons, detail
                )
            answer = _answer(Question(caller, persons, asked, explain), found)
            yield b"".join(
                schemas.PersonStatuses.model_validate(item).model_dump_json().encode() + b"\n"
                for item in answer["items"]
            )
            if after is None:
                return

    return lines()


async def _persons_in(tx: Writer, pool: str, region: str, asked: Moment, after: Any) -> tuple[list[UUID], Any]:
    """The next persons with a hukou in a region ("": everybody), and after whom those behind them come."""
    if not region:
        return await persons_in_pool(tx, pool, asked.known_at, after, _STREAMED_AT_ONCE)
    assert asked.as_of is not None
    return await persons_in_region(tx, pool, region, asked.as_of, asked.known_at, after, _STREAMED_AT_ONCE)


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
