"""The cash-book of an agent (S002-32): what was taken, taken back and handed over each day, and what is held."""

from datetime import date
from typing import Any

from shared.database import Row
from shared.money import yuan
from shared.sheets import write_sheet
from shared.tokens import Caller

from ..store import cash_books as store
from .suite import Payments

_COLUMNS = ("日期", "收现金(元)", "收电子(元)", "冲回(元)", "上缴(元)", "结存(元)")
_SUMS = ("cash_fen", "electronic_fen", "taken_back_fen", "handed_over_fen", "balance_fen")


async def read_cash_book(
    service: Payments, caller: Caller, pool: str, agent: str, *, first: date | None, last: date | None
) -> dict[str, Any]:
    """An agent's cash-book inside the caller's area, from `first` to `last`. Raises Problem AREA_FORBIDDEN."""
    caller.require_touch(pool)
    async with service.database.reading_behind() as tx:
        days = await store.days_of(tx, pool, caller.area, agent)
    before = [row for row in days if first and row["day"] < first]
    shown = [row for row in days if (not first or row["day"] >= first) and (not last or row["day"] <= last)]
    opening_fen = before[-1]["balance_fen"] if before else 0
    return {
        "agent": agent,
        "opening_fen": opening_fen,
        "items": shown,
        "closing_fen": shown[-1]["balance_fen"] if shown else opening_fen,
    }


async def export_cash_book(
    service: Payments, caller: Caller, pool: str, agent: str, *, first: date | None, last: date | None
) -> bytes:
    """The same as an XLSX for printing. Raises Problem AREA_FORBIDDEN."""
    book = await read_cash_book(service, caller, pool, agent, first=first, last=last)
    opening = ["期初", "", "", "", "", yuan(book["opening_fen"])]
    return write_sheet("xlsx", _COLUMNS, [opening, *map(_cells, book["items"])])


def _cells(row: Row) -> list[str]:
    return [row["day"].isoformat(), *(yuan(row[name]) for name in _SUMS)]
