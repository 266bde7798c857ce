"""News that change what is due: a revised assessment gets a bill of its own, a voided one has none any more.

The bill that stood is voided and stays; where it was paid, its money pays the new one, and what it paid too much is
released: from the premium to what is owed back. `collection.surplus` tells refunds, which opens the case.

    standing bill   less due (or as much)               more due
    open            voided, new bill open or free       voided, new bill open
    paid            voided, new bill paid with its      stays; the new bill is void from its beginning,
                    money, the rest released            for nothing is collected again
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

from shared.database import Row, Writer
from shared.events import Event

from .. import rules, schemas
from ..store import bills as bill_store
from ..store import revising as store
from ..store import settling as settling_store
from .billing import bill_row
from .posting import claim_transfers, transfer
from .settling import bill_paid

_NEVER_DUE = "paid_before"
"""Why the bill of a revision is void from its beginning: the person had paid less before it came."""


@dataclass(frozen=True)
class _Change:
    """One news and what it does to the bill that stood (None: none did); `new` takes its place."""

    at: datetime
    reason: rules.SurplusReason
    cause: UUID
    because: str
    found_on: date
    before: Row | None
    move: rules.Move
    new: dict[str, Any] | None

    @property
    def replaced(self) -> Row | None:
        """The bill that is voided."""
        return None if self.move.stands else self.before


async def revise_bills(tx: Writer, pool: str, events: Sequence[Event]) -> None:
    """Put the bills of revised assessments in the place of those that stand; of a person at most one news."""
    revised = [(event, schemas.AssessmentRevised.model_validate(event.data)) for event in events]
    standing = await store.lock_standing(tx, pool, [(news.scheme, news.person_id) for _, news in revised])
    changes = []
    for event, news in revised:
        before = standing.get((news.scheme, news.person_id))
        move = rules.revise(
            rules.BillStatus(before["status"]) if before else None,
            before["amount_fen"] if before else 0,
            news.payable_fen,
        )
        new = _new_bill(pool, event, news, before, move)
        changes.append(
            _Change(
                event.occurred_at,
                rules.SurplusReason.ASSESSMENT_REVISED,
                news.assessment_id,
                news.reason,
                news.found_on,
                before,
                move,
                new,
            )
        )
    await _apply(tx, pool, changes)


async def void_bills(tx: Writer, pool: str, events: Sequence[Event]) -> None:
    """Void the bills of persons who do not join after all and release what they have paid."""
    voided = [(event, schemas.AssessmentVoided.model_validate(event.data)) for event in events]
    standing = await store.lock_standing(tx, pool, [(news.scheme, news.person_id) for _, news in voided])
    changes = []
    for event, news in voided:
        before = standing.get((news.scheme, news.person_id))
        if before is None:
            continue
        paid_fen = before["amount_fen"] if before["status"] == rules.BillStatus.PAID else 0
        move = rules.Move(rules.BillStatus.VOIDED, released_fen=paid_fen)
        reason = rules.SurplusReason.ASSESSMENT_VOIDED
        about = (news.assessment_id, news.reason, news.found_on)
        changes.append(_Change(event.occurred_at, reason, *about, before, move, None))
    await _apply(tx, pool, changes)


async def _apply(tx: Writer, pool: str, changes: Sequence[_Change]) -> None:
    replaced = {bill["bill_no"]: change for change in changes if (bill := change.replaced)}
    money = await store.lock_money(tx, pool, list(replaced))
    claims = await store.standing_claims(tx, pool, list(replaced))
    # From here it must succeed.
    await store.void_bills(tx, pool, [(bill_no, change.at, change.reason) for bill_no, change in replaced.items()])
    new = [change.new for change in changes if change.new]
    await bill_store.insert_bills(tx, new)
    postings = [_contrary(claim, replaced[claim["bill_no"]]) for claim in claims]
    for change in changes:
        if change.new and change.new["status"] == rules.BillStatus.PAID:
            postings += claim_transfers(change.new, change.cause, change.at)
    postings += [_release(collection, replaced[bill_no]) for bill_no, collection in money.items()
                 if replaced[bill_no].move.released_fen]  # fmt: skip
    await settling_store.insert_transfers(tx, postings)
    await store.move_money(
        tx,
        pool,
        [(collection["collection_id"], _pays(replaced[bill_no]), replaced[bill_no].move.released_fen)
         for bill_no, collection in money.items()],
    )  # fmt: skip
    for change in changes:
        _tell(tx, pool, change, money.get(change.before["bill_no"]) if change.before else None)


def _new_bill(
    pool: str, event: Event, news: schemas.AssessmentRevised, before: Row | None, move: rules.Move
) -> dict[str, Any]:
    row = bill_row(pool, news, event.occurred_at, move.status)
    if move.stands:
        return row | {"voided_at": event.occurred_at, "void_reason": _NEVER_DUE}
    if before is None:
        return row
    # What was paid stays paid on its day; a bill on which nothing is due from now on is paid today.
    return row | {
        "replaces": before["bill_no"],
        "paid_on": before["paid_on"] or row["paid_on"],
        "name_masked": row["name_masked"] or before["name_masked"],
    }


def _pays(change: _Change) -> str | None:
    """The bill that the money of the voided one pays now."""
    return change.new["bill_no"] if change.new and change.new["amount_fen"] else None


def _contrary(claim: Row, change: _Change) -> dict[str, Any]:
    debit, credit, amount_fen = claim["credit_account"], claim["debit_account"], claim["amount_fen"]
    return transfer(claim, "claim_reversed", debit, credit, amount_fen, change.cause, change.at)


def _release(collection: Row, change: _Change) -> dict[str, Any]:
    subject = rules.release_subject(collection["collection_id"], change.cause)
    about, amount_fen = change.before, change.move.released_fen
    assert about is not None
    return transfer(about, "release", rules.PREMIUM, rules.SURPLUS, amount_fen, subject, change.at)


def _tell(tx: Writer, pool: str, change: _Change, collection: Row | None) -> None:
    replaced, new = change.replaced, change.new
    if replaced:
        replaced_by = new["bill_no"] if new else None
        told = schemas.BillVoided.model_validate(
            {**replaced, "reason": change.reason, "replaced_by": replaced_by}, extra="ignore"
        )
        data = told.model_dump(mode="json")
        tx.publish(pool, "bill.voided", replaced["bill_no"], replaced["version"] + 1, change.at, data)
    if new and new["status"] == rules.BillStatus.PAID:
        kept = collection if collection and new["amount_fen"] else None
        tx.publish(pool, "bill.paid", new["bill_no"], 1, change.at, bill_paid(new, new["paid_on"], kept))
    if collection and change.move.released_fen:
        _tell_surplus(tx, pool, change, collection)


def _tell_surplus(tx: Writer, pool: str, change: _Change, collection: Row) -> None:
    assert change.before is not None
    told = schemas.CollectionSurplus.model_validate(
        {
            **collection,
            "amount_fen": change.move.released_fen,
            "reason": change.reason,
            "cause": str(change.cause),
            "because": change.because,
            "found_on": change.found_on,
            "late": change.found_on > rules.Window.of(change.before["window"]).last,
        },
        extra="ignore",
    )
    data = told.model_dump(mode="json")
    tx.publish(pool, "collection.surplus", collection["collection_id"], collection["version"] + 1, change.at, data)
