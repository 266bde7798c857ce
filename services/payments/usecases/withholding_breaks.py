"""Breaks (差错) about withheld money: opened by the bank's word in a return file, ended by its next one or by people.

A bank of two minds: what it debited it denies, tells with another amount, or has debited after all when people have
taken it back. Its last word counts. Money that was booked anew stands for the line from then on.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime, time
from typing import Any

from shared.clock import SHANGHAI, business_day
from shared.codes import Channel
from shared.database import Row, Writer

from ..formats.withholding import ReturnLine
from ..rules import withholding as rules
from ..rules.accounts import held_by_bank
from ..rules.reconciling import BreakKind
from ..store import breaks as store
from ..store import settling as settling_store
from ..store import withholding as batch_store
from .settling import Payment, settle
from .statements import new_break, too_late
from .suite import Payments

Heard = tuple[ReturnLine, Row, rules.LineAct | rules.Contradiction | None]
"""A line of a return file, the line of the batch, and what the one does to the other."""


async def tell_breaks(service: Payments, tx: Writer, batch: Row, about: Row, heard: Iterable[Heard]) -> None:
    """Open a break about each line that contradicts our books, and end those that the bank's word has answered."""
    now = service.clock.now()
    definite = [each for each in heard if each[1]["collection_id"] and each[0].word is not rules.Word.UNKNOWN]
    told = [
        (one["collection_id"], _break(service, batch, about, line, one, said, now))
        for line, one, said in definite
        if isinstance(said, rules.Contradiction)
    ]
    news: dict[Any, tuple[str | None, int | None]] = {
        one["collection_id"]: (None, None) for _, one, said in definite if said is None
    }
    news |= {collection_id: (opened["kind"], opened["channel_fen"]) for collection_id, opened in told}
    await store.supersede_withheld(tx, batch["pool"], news)
    await store.open_breaks(tx, [opened for _, opened in told])


async def book_after_all(tx: Writer, row: Row, approved_by: str, now: datetime) -> Mapping[str, Any]:
    """Book what a bank debited after it was taken back: two people's word, the break as its evidence.

    Raises Problem RESOLUTION_NOT_POSSIBLE where the bank's statement or its next word has come first.
    """
    lines = await batch_store.lock_lines_of(tx, row["pool"], [row["collection_id"]])
    if not lines:
        raise too_late(row, row["resolution"])  # the line stands for what was booked anew
    line, at = lines[0], datetime.combine(row["day"], time(), SHANGHAI)
    reference = rules.line_reference(line["institution"], row["day"], line["batch_no"], line["seq"])
    earlier = await settling_store.collections_by_reference(tx, row["pool"], Channel.BANK, [reference])
    if any(one["reversed_at"] for one in earlier.values()):
        reference = f"{reference}#{row['break_id']}"  # it would be taken for what was taken back of that day
    payment = Payment(
        channel=Channel.BANK,
        method=line["method"],
        reference=reference,
        bill_no=row["bill_no"] or line["bill_no"],
        amount_fen=row["channel_fen"],
        paid_at=at,
        payer_name=line["payer_name"],
        payer_id=line["payer_id"],
        region=line["region"],
        book_code=f"YH{line['institution']}",
        taken_by=approved_by,
        shift_id=None,
        held_account=held_by_bank(line["institution"]),
        message={"exception_id": str(row["break_id"]), "batch_no": line["batch_no"], "seq": line["seq"]},
    )
    [booked] = await settle(tx, row["pool"], [payment], now)
    if booked["amount_fen"] != row["channel_fen"] or booked.get("reversed_at"):
        raise too_late(row, row["resolution"])
    await batch_store.follow(tx, row["pool"], [row["collection_id"]], booked)
    return booked


def _break(
    service: Payments,
    batch: Row,
    about: Row,
    line: ReturnLine,
    one: Row,
    said: rules.Contradiction,
    now: datetime,
) -> dict[str, Any]:
    after_all = said is rules.Contradiction.COME_AFTER_ALL
    subject = {
        "pool": batch["pool"],
        "channel": Channel.BANK,
        "institution": batch["institution"],
        "day": business_day(line.debited_at if after_all and line.debited_at else one["debited_at"]),
        "received_by": about["received_by"],
    }
    opened = new_break(service, subject, BreakKind(said), business_day(now))
    return opened | {
        "collection_id": one["collection_id"],
        "channel_fen": 0 if said is rules.Contradiction.TAKEN_BACK else line.debited_fen,
        "our_fen": None if after_all else one["debited_fen"],
    }
