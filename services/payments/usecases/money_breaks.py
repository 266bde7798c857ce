"""What the resolutions of breaks on the way of the money do, in the transaction of their approval.

`confirm`: the line brings what its payer owes, the earliest day first. `suspend`: what is short or over stands in an
account of its own until it is explained; where it comes after all, `settlements` posts it back.
"""

from datetime import datetime
from uuid import UUID

from shared.database import Row, Writer

from .. import rules as books
from ..rules import settlements as money
from ..rules.accounts import OVER, SHORT
from ..rules.reconciling import BreakKind, Resolution
from ..store import settlements as store
from ..store import settling as settling_store
from .money_lines import LOOK_BACK, due_of, line_of, owed_by, source_of
from .posting import transfer
from .statements import too_late
from .suite import Payments


def concerns_money(row: Row) -> bool:
    """Whether a break is about money on its way, not about what a channel has collected."""
    return row["channel"] == money.Source.ACCOUNT or row["kind"] in money.DAY_KINDS


async def resolve_money(
    service: Payments, tx: Writer, row: Row, resolution: Resolution, _approved_by: str, now: datetime
) -> UUID | None:
    """Do what was proposed; nothing is booked as collected.

    Raises Problem RESOLUTION_NOT_POSSIBLE where what it is about has changed since.
    """
    if resolution is Resolution.CONFIRM:
        await _confirm(service, tx, row)
    elif resolution is Resolution.SUSPEND:
        await _suspend(service, tx, row, now)
    return None


async def _confirm(service: Payments, tx: Writer, row: Row) -> None:
    """The line's whole amount goes to what its payer owes, the earliest day first; the last bears the difference."""
    pool, day = row["pool"], row["day"]
    await store.hold(tx, pool)
    source = source_of(service, row["institution"], row["payer_name"])
    standing = await store.standing(tx, pool, day - LOOK_BACK)
    owed = [(each, one) for each in standing if each["day"] <= day and (one := due_of(each)).remainder_fen]
    due = owed_by(row, owed, source)
    if not due:
        raise too_late(row, row["resolution"])
    left, lines = row["line_fen"], []
    about = {"pool": pool, "statement_id": row["statement_id"], "row_no": row["row_no"]}
    for one in due:
        last = one is due[-1] or 0 < left <= one.remainder_fen
        lines.append(line_of(about, one.key, left if last else one.remainder_fen))
        left -= one.remainder_fen
        if last:
            break
    await store.add_lines(tx, lines)


async def _suspend(service: Payments, tx: Writer, row: Row, now: datetime) -> None:
    if row["kind"] == BreakKind.MONEY_MISSING:
        await store.hold(tx, row["pool"])
        found = await store.find(tx, row["pool"], row["channel"], row["institution"], row["day"])
        short_fen = row["our_fen"] - row["channel_fen"]
        if found is None or due_of(found).remainder_fen != short_fen:
            raise too_late(row, row["resolution"])
        by = "/".join(part for part in (row["channel"], row["institution"]) if part)
    else:
        short_fen = -row["line_fen"]
        by = source_of(service, row["institution"], row["payer_name"]) or money.Source.ACCOUNT
    debit, credit = (SHORT + by, books.SPECIAL_ACCOUNT) if short_fen > 0 else (books.SPECIAL_ACCOUNT, OVER + by)
    about = {"pool": row["pool"], "scheme": None}
    posting = transfer(about, "suspend", debit, credit, abs(short_fen), row["break_id"], now)
    await settling_store.insert_transfers(tx, [posting])
