"""The job that looks accepted statements over: judges rows, clears money, opens breaks, ends those that are answered.

A pass judges each pending row, and each row with an open break, once per business day; what is settled stays as it is,
so that running again changes nothing. Each chunk is one transaction under the statement's lock, with the money that
moves. It begins with the plain rows, nearly all of them, which are matched set by set in the database; the others
are judged by the rules. A pass ends with the other direction: money of ours that no row stands for.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime, time, timedelta
from functools import partial
from typing import Any
from uuid import UUID

import structlog

from shared.clock import SHANGHAI, business_day
from shared.codes import Channel
from shared.database import Row, Writer
from shared.ids import new_id
from shared.jobs import in_turn

from ..rules import SPECIAL_ACCOUNT
from ..rules import reconciling as rules
from ..rules.reconciling import Result
from ..rules.settlements import Source
from ..store import breaks as break_store
from ..store import judging
from ..store import matching as store
from ..store import plain as plain_store
from ..store import statements as statement_store
from .clearing import HOLDING, clear, held_by, post
from .clearing import KIND as CLEARING
from .finding import Found, find
from .money_lines import judge_money
from .statements import new_break
from .suite import Payments

CHUNK_ROWS = 2_000
PLAIN_ROWS = 10_000
"""How many rows at once are seen through for plain ones; until its commit, a second or less, nobody reverses them."""
_SEARCHED_DAYS = 60
_log = structlog.get_logger()


class OvertakenError(RuntimeError):
    """Somebody else has changed what a chunk was about; nothing was written, and the next try sees it."""


async def look_over_statements(service: Payments) -> bool:
    """Look over what is due today, the oldest day first; whether there was anything.

    Raises what the first statement raised, after the others were looked over.
    """
    today = business_day(service.clock.now())
    async with service.database.reading() as tx:
        due = await statement_store.due_statements(tx, today)
    return await in_turn(due, partial(_look_over_whole, service))


async def _look_over_whole(service: Payments, statement: Row) -> bool:
    worked = False
    for step in (match_plain, look_over):
        place = judging.START
        while reached := await step(service, statement, place):
            worked, place = True, reached
    return worked


async def match_plain(service: Payments, statement: Row, place: judging.Place) -> judging.Place | None:
    """Match the plain rows (`store.plain`) of the next chunk after a place and clear their money; the place reached.

    None where there is nothing left, or another worker is at it. All that it leaves pending is for `look_over`, which
    comes to the same without it.
    """
    if statement["channel"] not in HOLDING:
        return None
    now = service.clock.now()
    today = business_day(now)
    async with service.database.writing() as tx:
        row = await _lock_due(tx, statement, today)
        if row is None:
            return None
        await _begin_pass(tx, row, place)
        found = await plain_store.lock_plain(tx, row, place, today, PLAIN_ROWS)
        if found is None:
            return None
        matched = await plain_store.match_plain(tx, row, found, now)
        held = held_by(Channel(row["channel"]), row["institution"])
        await plain_store.post_plain(
            tx, row["pool"], matched, posting=CLEARING, debit=SPECIAL_ACCOUNT, credit=held, made=new_id(), now=now
        )
        results = dict.fromkeys(matched.row_nos, int(Result.MATCHED))
        await judging.set_results(tx, row["pool"], row["statement_id"], results, today)
    return found.place


async def look_over(service: Payments, statement: Row, place: judging.Place) -> judging.Place | None:
    """The next chunk of a statement's pass, which has reached a place; None where there is nothing left, or another
    worker is at it."""
    now = service.clock.now()
    today = business_day(now)
    async with service.database.writing() as tx:
        row = await _lock_due(tx, statement, today)
        if row is None:
            return None
        judged = await _judge_chunk(service, tx, row, now, place)
        if judged:
            return judged
        if await clear(tx, row, now) or await _account_for_ours(service, tx, row, today):
            return place
        await break_store.supersede_found(tx, row)
        await statement_store.set_look(tx, row["pool"], row["statement_id"], await _next_look(service, tx, row, today))
    return place


async def _lock_due(tx: Writer, statement: Row, today: date) -> Row | None:
    """A statement that is due, locked; None where it is not any more, or another worker is at it."""
    row = await statement_store.lock_statement(tx, statement["pool"], statement["statement_id"], wait=False)
    due = row and row["state"] == rules.StatementState.ACCEPTED and row["look_on"] and row["look_on"] <= today
    return row if due else None


async def _begin_pass(tx: Writer, statement: Row, place: judging.Place) -> None:
    if statement["channel"] == Channel.BANK and place == judging.START:
        await store.refer_to_originals(tx, statement["pool"], statement["statement_id"], statement["institution"])


async def watch_reconciliation(service: Payments) -> bool:
    """Raise the alarm on what is overdue, and on days of which no statement has come; whether there was anything new.

    A statement that was done with is looked over again where money of its day has been booked since.
    """
    news = False
    now = service.clock.now()
    today = business_day(now)
    async with service.database.writing() as tx:
        overdue = await break_store.mark_overdue(tx, today)
        if overdue:
            _log.warning("reconciliation_overdue", found=overdue)
        before = today - timedelta(days=service.settings.statement_window_days)
        since = datetime.combine(today - timedelta(days=_SEARCHED_DAYS), time(), SHANGHAI)
        for row in await store.unaccounted_days(tx, service.settings.statement_channels, before, since):
            if row["statement_id"] is None:
                missing = new_break(service, row, rules.BreakKind.STATEMENT_MISSING, today)
                news |= await break_store.open_breaks(tx, [missing | {"our_fen": row["amount_fen"]}]) > 0
            elif row["look_on"] is None:
                await statement_store.set_look(tx, row["pool"], row["statement_id"], today)
                news = True
    return news


async def _judge_chunk(
    service: Payments, tx: Writer, statement: Row, now: datetime, place: judging.Place
) -> judging.Place | None:
    """Judge the rows after a place; the place reached, None where none are left."""
    pool, statement_id, today = statement["pool"], statement["statement_id"], business_day(now)
    await _begin_pass(tx, statement, place)
    rows = await judging.rows_to_judge(tx, pool, statement_id, today, CHUNK_ROWS, place)
    if not rows and place != judging.START:  # somebody may have asked meanwhile for rows before it
        rows = await judging.rows_to_judge(tx, pool, statement_id, today, CHUNK_ROWS, judging.START)
    if not rows:
        return None
    window_days = service.settings.statement_window_days
    if statement["channel"] == Source.ACCOUNT:
        found, results = await judge_money(service, tx, statement, rows, today)
        await _write(service, tx, statement, rows, found, results, today)
        return judging.place_of(rows[-1])
    window_open = rules.waits(statement["day"], today, window_days)
    found = await find(tx, statement, rows, window_days)
    results = {
        row_no: rules.judge(one.line, one.siblings, one.ours, window_open=window_open, window_days=window_days)
        for row_no, one in found.items()
    }
    matched = {row_no: one for row_no, one in found.items() if results[row_no] in (Result.MATCHED, Result.LATE)}
    await _match(tx, statement, matched, now)
    await _write(service, tx, statement, rows, found, results, today)
    return judging.place_of(rows[-1])


async def _write(
    service: Payments,
    tx: Writer,
    statement: Row,
    rows: Sequence[Row],
    found: Mapping[int, Found],
    results: Mapping[int, Result],
    today: date,
) -> None:
    """Write what rows come to, and their breaks."""
    codes = {row_no: int(result) for row_no, result in results.items()}
    await judging.set_results(tx, statement["pool"], statement["statement_id"], codes, today)
    await _tell_breaks(service, tx, statement, rows, found, results, today)


async def _match(tx: Writer, statement: Row, matched: Mapping[int, Found], now: datetime) -> None:
    """Say which rows stand for what; what the channel held of it goes to the special account."""
    live = await _share(tx, matched.values())
    held = statement["channel"] in HOLDING
    rows = [
        {
            "pool": statement["pool"],
            "subject_kind": subject.kind,
            "subject_pool": subject.pool,
            "subject_id": subject.id,
            "statement_id": statement["statement_id"],
            "row_no": row_no,
            "amount_fen": subject.amount_fen,
            "cleared_at": now if held and subject.kind == "collection" else None,
        }
        for row_no, found in matched.items()
        for subject in found.subjects
    ]
    # One subject under two rows of the chunk cannot be: the second one was judged a duplicate or took another.
    if await store.insert_matches(tx, rows) != len(rows):
        raise OvertakenError("another statement has matched the same money")
    if held:
        await post(tx, statement, live, now)


async def _share(tx: Writer, found: Iterable[Found]) -> list[Row]:
    """Keep the collections that are about to be matched from being reversed meanwhile; as they stand now."""
    by_pool: dict[str, list[UUID]] = defaultdict(list)
    for subject in (subject for one in found for subject in one.subjects if subject.kind == "collection"):
        by_pool[subject.pool].append(subject.id)
    rows: list[Row] = []
    for pool in sorted(by_pool):
        rows += (await store.share_collections(tx, pool, by_pool[pool])).values()
    if any(row["reversed_at"] for row in rows):
        raise OvertakenError("money was reversed while it was being matched")
    return rows


async def _tell_breaks(
    service: Payments,
    tx: Writer,
    statement: Row,
    rows: Sequence[Row],
    found: Mapping[int, Found],
    results: Mapping[int, Result],
    today: date,
) -> None:
    """Open a break for each row that is one, change those that have become another, end those that are answered."""
    opened: list[dict[str, Any]] = []
    changed: list[dict[str, Any]] = []
    answered: list[UUID] = []
    for row in rows:
        one, result = found[row["row_no"]], results[row["row_no"]]
        breaks = rules.opens_break(one.line, one.siblings, result)
        if breaks and row["break_id"]:
            news = {"break_id": row["break_id"], "kind": str(rules.kind_of(result))}
            changed.append(news | _about_row(statement, row, one))
        elif breaks:
            about = new_break(service, statement, rules.kind_of(result), today)
            opened.append(about | _about_row(statement, row, one))
        elif row["break_id"]:
            answered.append(row["break_id"])
    await break_store.open_breaks(tx, opened)
    await break_store.change_kinds(tx, statement["pool"], changed)
    await break_store.supersede(tx, statement["pool"], answered)


def _about_row(statement: Row, row: Row, found: Found) -> dict[str, Any]:
    only = found.subjects[0] if len(found.subjects) == 1 else None
    own = only is not None and only.kind == "collection" and only.pool == statement["pool"]
    return {
        "statement_id": statement["statement_id"],
        "row_no": row["row_no"],
        "collection_id": only.id if own and only else None,
        "channel_fen": row["amount_fen"],
        "our_fen": found.ours.amount_fen if found.ours and found.ours.live else None,
    }


async def _account_for_ours(service: Payments, tx: Writer, statement: Row, today: date) -> bool:
    """Open breaks for money of ours that stands in no row once its window is over; whether there may be more."""
    over = not rules.waits(statement["day"], today, service.settings.statement_window_days)
    if not over or statement["channel"] == Source.ACCOUNT:
        return False
    missing = await store.unaccounted(tx, statement, CHUNK_ROWS)
    kind = rules.kind_of(rules.missing_result(Channel(statement["channel"])))
    about = {"statement_id": statement["statement_id"]}
    breaks = [
        new_break(service, statement, kind, today)
        | about
        | {"collection_id": row["collection_id"], "our_fen": row["amount_fen"]}
        for row in missing
    ]
    if missing and not await break_store.open_breaks(tx, breaks):
        raise OvertakenError("another statement has told of the same money")
    return len(missing) == CHUNK_ROWS


async def _next_look(service: Payments, tx: Writer, statement: Row, today: date) -> date | None:
    """Tomorrow while anything waits; else when the window closes; None where both are over."""
    window_days = service.settings.statement_window_days
    if await break_store.open_work(tx, statement):
        return today + timedelta(days=1)
    day: date = statement["day"]
    return day + timedelta(days=window_days + 1) if rules.waits(day, today, window_days) else None
