"""The books: balances, the summary of a pool's money, and the four figures that must agree (四一致)."""

from collections import defaultdict
from datetime import datetime
from typing import Any

from shared.codes import Channel
from shared.tokens import Caller

from .. import rules
from ..store import reports as store
from .suite import Payments


async def account_balances(service: Payments, caller: Caller, pool: str, as_of: datetime | None) -> dict[str, Any]:
    """Every account of the fund ledger as of an instant. Raises Problem AREA_FORBIDDEN."""
    caller.require_pool(pool)
    async with service.database.reading_behind() as tx:
        rows = await store.account_balances(tx, pool, as_of=as_of)
    return {"items": [{**row, "balance_fen": row["debit_fen"] - row["credit_fen"]} for row in rows]}


async def summarise(service: Payments, caller: Caller, pool: str) -> dict[str, Any]:
    """What a pool's money came to, on one snapshot. Raises Problem AREA_FORBIDDEN."""
    caller.require_pool(pool)
    async with service.database.reading_behind() as tx:
        collected = await store.collected_by_channel(tx, pool)
        receipts = await store.receipt_figures(tx, pool)
        refunds = await store.refund_figures(tx, pool)
        accounts = await store.account_balances(tx, pool)
        claims = await store.claim_figures(tx, pool)
    return {
        "collected": _collected(collected),
        "receipts": dict(receipts),
        "refunds": dict(refunds),
        "funds": {**_funds(accounts), **claims},
    }


async def four_way(
    service: Payments, caller: Caller, pool: str, scheme: str, *, unit_code: str | None, region: str | None
) -> dict[str, Any]:
    """Compare the persons who paid in money, heads, roster and receipts; of a unit or of a region only, where named.

    Raises Problem AREA_FORBIDDEN, UPSTREAM_UNAVAILABLE.
    """
    if region:
        caller.require_region(region)
    else:
        caller.require_pool(pool)
    roster = await service.registration.paid_roster(pool, scheme, unit_code=unit_code, region=region)
    async with service.database.reading() as tx:
        figures = await store.four_way_figures(tx, pool, scheme, unit_code=unit_code, region=region)
    bills, collections, receipts = (dict(figures[name]) for name in ("bills", "collections", "receipts"))
    ledger_fen = figures["ledger"]["amount_fen"]
    return {
        "money": ledger_fen == collections["amount_fen"] == bills["amount_fen"] == roster.amount_fen,
        "heads": (bills["heads"], bills["digest"]) == (collections["heads"], collections["digest"]),
        "roster": (bills["heads"], bills["digest"]) == (roster.heads, roster.digest),
        "receipts": receipts == collections,
        "bills": bills,
        "collections": collections,
        "valid_receipts": receipts,
        "paid_roster": {"heads": roster.heads, "amount_fen": roster.amount_fen, "digest": roster.digest},
        "ledger_fen": ledger_fen,
    }


def _collected(rows: Any) -> dict[str, Any]:
    by_channel: dict[str, dict[str, int]] = {channel: {"count": 0, "amount_fen": 0} for channel in Channel}
    by_outcome: dict[str, dict[str, int]] = defaultdict(lambda: {"count": 0, "amount_fen": 0})
    for row in rows:
        for sums in (by_channel[row["channel"]], by_outcome[row["outcome"]]):
            sums["count"] += row["count"]
            sums["amount_fen"] += row["amount_fen"]
    return {
        "count": sum(sums["count"] for sums in by_channel.values()),
        "amount_fen": sum(sums["amount_fen"] for sums in by_channel.values()),
        "by_channel": by_channel,
        "by_outcome": by_outcome,
    }


def _funds(accounts: Any) -> dict[str, int]:
    balance = {row["account"]: row["debit_fen"] - row["credit_fen"] for row in accounts}
    return {
        "ledger_sum_fen": sum(balance.values()),
        "special_account_fen": balance.get(rules.SPECIAL_ACCOUNT, 0),
        "held_fen": sum(fen for account, fen in balance.items() if account.startswith(rules.HELD)),
        "surplus_fen": -balance.get(rules.SURPLUS, 0),
        "suspense_fen": -balance.get(rules.SUSPENSE, 0),
    }
