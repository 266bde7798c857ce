"""The job that follows the money: what is owed the special account, how each settlement stands, breaks on the way.

    accepted statement ─┐
    confirmed slip ─────┼► expected ── a line of the account brings it ──► arrived
    confirmed claim ────┘      └── not by T+3 ──► missing · differs ──► a break that two people resolve

States follow from what is written down, so that running again changes nothing, and another version of a statement
re-opens what it changes.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime, timedelta
from functools import partial
from typing import Any
from uuid import UUID

from shared.clock import business_day
from shared.database import Reader, Row, Writer
from shared.ids import new_id
from shared.jobs import in_turn
from shared.pages import LIMIT

from ..rules import reconciling as rules
from ..rules import settlements as money
from ..rules.reconciling import BreakKind
from ..store import breaks as break_store
from ..store import settlements as store
from ..store import settling as settling_store
from ..store import treasury as treasury_store
from .money_lines import LOOK_BACK, due_of
from .posting import transfer
from .statements import new_break
from .suite import Payments


async def watch_money(service: Payments) -> bool:
    """See how every settlement and voucher stands; whether anything was new.

    Raises what the first pool raised, after the others were done.
    """
    pools = {account.pool for account in service.settings.money_accounts.values()}
    return await in_turn(sorted(pools), partial(_watch_pool, service))


async def _watch_pool(service: Payments, pool: str) -> bool:
    now = service.clock.now()
    today = business_day(now)
    since = today - LOOK_BACK
    async with service.database.writing() as tx:
        await store.hold(tx, pool)
        fresh = await store.owed(tx, pool, list(money.DIRECT_LAYOUTS), since)
        await store.expect(tx, [_settlement(row, now) for row in fresh])
        standing = await store.standing(tx, pool, since)
        states = dict(_moves(standing, today, service.settings.statement_window_days))
        await store.move(tx, pool, {id_: state.value for id_, state in states.items()}, now)
        broken = [
            _about(row, row["expected_fen"], _come(row))
            for row in standing
            if states.get(row["settlement_id"], row["state"])
            in (money.SettlementState.DIFFERS, money.SettlementState.MISSING)
        ]
        news = await _tell(service, tx, pool, BreakKind.MONEY_MISSING, broken, today)
        news |= await _tell(
            service, tx, pool, BreakKind.TREASURY_DIFFERS, await _vouchers(service, tx, pool, today), today
        )
        news |= await _give_back_suspense(tx, pool, standing, now)
    if fresh:
        # In a transaction of its own: whoever looks a statement over locks that before the settlements.
        async with service.database.writing() as tx:
            await store.look_again(tx, pool, today)
    return bool(fresh) or bool(states) or news


def _settlement(told: Row, now: datetime) -> dict[str, Any]:
    return {
        **told,
        "settlement_id": told["settlement_id"] or new_id(),
        "state": money.SETTLEMENT_TRANSITIONS[None, money.SettlementAct.EXPECT],
        "changed_at": now,
        "version": 1,
    }


def _moves(standing: Sequence[Row], today: date, window_days: int) -> Iterator[tuple[UUID, money.SettlementState]]:
    for row in standing:
        before = money.SettlementState(row["state"])
        after = money.state_of(row["expected_fen"], _come(row), row["day"], today, window_days)
        if after is not before:
            yield row["settlement_id"], money.SETTLEMENT_TRANSITIONS[before, money.act_to(after)]


async def _vouchers(service: Payments, tx: Reader, pool: str, today: date) -> list[dict[str, Any]]:
    """Vouchers on which the treasury and our books disagree."""
    if service.settings.treasury is None:
        return []
    due = today - timedelta(days=service.settings.treasury.posting_days)
    broken: list[dict[str, Any]] = []
    after = ""
    while True:
        rows = await treasury_store.list_vouchers(tx, pool, after=after, limit=LIMIT, due=due)
        broken += [
            {
                "pool": pool,
                "channel": money.Source.TREASURY,
                "institution": row["voucher_no"],
                "day": row["posted_on"] or today,
                "our_fen": row["our_fen"],
                "channel_fen": row["treasury_fen"],
            }
            for row in rows[:LIMIT]
            if row["result"] not in (None, "matched")
        ]
        if len(rows) <= LIMIT:
            return broken
        after = rows[LIMIT - 1]["voucher_no"]


async def _tell(
    service: Payments, tx: Writer, pool: str, kind: BreakKind, broken: list[dict[str, Any]], today: date
) -> bool:
    """Open a break about each that has none, and end those that something has answered; whether there was any."""
    known = {_key(kind, row): row for row in await store.breaks_on_the_way(tx, pool, kind)}
    wanted = {_key(kind, about): about for about in broken}
    answered = [row["break_id"] for key, row in known.items() if key not in wanted and row["state"] in rules.UNSETTLED]
    await break_store.supersede(tx, pool, answered)
    opened = [
        new_break(service, about, kind, today) | _amounts(about) for key, about in wanted.items() if key not in known
    ]
    return bool(await break_store.open_breaks(tx, opened)) or bool(answered)


async def _give_back_suspense(tx: Writer, pool: str, standing: Sequence[Row], now: datetime) -> bool:
    """What was suspended of a settlement and has come after all: the contrary posting."""
    arrived = {
        (row["channel"], row["institution"], row["day"]) for row in standing if row["expected_fen"] == _come(row)
    }
    back = [
        transfer(
            {"pool": pool, "scheme": None},
            "suspend_reversed",
            row["credit_account"],
            row["debit_account"],
            row["amount_fen"],
            row["break_id"],
            now,
        )
        for row in await store.breaks_on_the_way(tx, pool, BreakKind.MONEY_MISSING)
        if row["suspended"] and (row["channel"], row["institution"], row["day"]) in arrived
    ]
    await settling_store.insert_transfers(tx, back)
    return bool(back)


def _come(row: Row) -> int:
    return int(row["expected_fen"]) - due_of(row).remainder_fen


def _about(row: Row, our_fen: int, channel_fen: int) -> dict[str, Any]:
    named = {name: row[name] for name in ("pool", "channel", "institution", "day")}
    return {**named, "our_fen": our_fen, "channel_fen": channel_fen}


def _amounts(about: Mapping[str, Any]) -> dict[str, Any]:
    return {"our_fen": about["our_fen"], "channel_fen": about["channel_fen"]}


def _key(kind: BreakKind, about: Mapping[str, Any]) -> tuple[Any, ...]:
    """What tells two breaks apart; a voucher that was not posted has no day of its own."""
    day = about["day"] if kind is BreakKind.MONEY_MISSING else None
    return about["channel"], about["institution"], day, about["our_fen"] or 0, about["channel_fen"] or 0
