"""The job that follows the money: what is owed the special account, how each settlement stands, breaks on the way.

    accepted statement ─┐
    confirmed slip ─────┼► expected ── a line of the account brings it ──► arrived
    confirmed claim ────┘      └── not by T+3 ──► missing · differs ──► a break that two people resolve

States follow from what is written down, so that running again changes nothing, and another version of a statement
re-opens what it changes.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime
from functools import partial
from typing import Any
from uuid import UUID

from shared.clock import business_day
from shared.database import Row, Writer
from shared.ids import new_id
from shared.jobs import in_turn

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
from .treasury import due_day

_MOST_NEWS = 10_000
"""Vouchers of a pool that are told in one round; the next round is about the rest."""


async def watch_money(service: Payments) -> bool:
    """See how every settlement stands; whether anything was new.

    Raises what the first pool raised, after the others were done.
    """
    return await in_turn(sorted(_pools_with_accounts(service)), partial(_watch_pool, service))


async def watch_vouchers(service: Payments) -> bool:
    """See on which vouchers the treasury and our books disagree, of all whose money it posts; whether any was new.

    Raises what the first pool raised, after the others were done.
    """
    treasury = service.settings.treasury
    if treasury is None:
        return False
    pools = _pools_with_accounts(service) | {office.pool for office in treasury.offices.values()}
    return await in_turn(sorted(pools), partial(_watch_vouchers_of, service))


def _pools_with_accounts(service: Payments) -> set[str]:
    return {account.pool for account in service.settings.money_accounts.values()}


async def _watch_vouchers_of(service: Payments, pool: str) -> bool:
    """The comparison is read beside everything else; what is written is only the news."""
    async with service.database.reading() as reader:
        news = await treasury_store.voucher_news(reader, pool, due=due_day(service), limit=_MOST_NEWS)
    if not news:
        return False
    today = business_day(service.clock.now())
    answered = [row["break_id"] for row in news if row["break_id"]]
    opened = [
        new_break(
            service,
            {"pool": pool, "channel": money.Source.TREASURY, "institution": row["voucher_no"], "day": row["day"]},
            BreakKind.TREASURY_DIFFERS,
            today,
        )
        | {"our_fen": row["our_fen"], "channel_fen": row["treasury_fen"]}
        for row in news
        if not row["break_id"]
    ]
    async with service.database.writing() as tx:
        await break_store.supersede(tx, pool, answered)
        return bool(await break_store.open_breaks(tx, opened)) or bool(answered)


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
        news = await _tell(service, tx, pool, broken, today)
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


async def _tell(service: Payments, tx: Writer, pool: str, broken: list[dict[str, Any]], today: date) -> bool:
    """Open a break about each that has none, and end those that something has answered; whether there was any."""
    known = {_key(row): row for row in await store.breaks_on_the_way(tx, pool, BreakKind.MONEY_MISSING)}
    wanted = {_key(about): about for about in broken}
    answered = [row["break_id"] for key, row in known.items() if key not in wanted and row["state"] in rules.UNSETTLED]
    await break_store.supersede(tx, pool, answered)
    opened = [
        new_break(service, about, BreakKind.MONEY_MISSING, today) | _amounts(about)
        for key, about in wanted.items()
        if key not in known
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


def _key(about: Mapping[str, Any]) -> tuple[Any, ...]:
    """What tells two breaks apart."""
    return about["channel"], about["institution"], about["day"], about["our_fen"] or 0, about["channel_fen"] or 0
