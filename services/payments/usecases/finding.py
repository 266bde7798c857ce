"""Finding what of ours the rows of a statement stand for: by the channel's reference, then by order or bill, then, for
agents, by amount, time and payer. A chunk of rows at a time, every question set-based."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID

from shared.clock import business_day
from shared.codes import Channel
from shared.database import Reader, Row

from ..rules import reconciling as rules
from ..rules.refunding import RefundState, refund_of_number
from ..rules.tax import POOLLESS, pool_named
from ..store import judging
from ..store import matching as store

_SHIFT = "shift/"
_EARLIEST = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True)
class Subject:
    """A collection or refund of ours."""

    kind: str
    pool: str
    id: UUID
    amount_fen: int


@dataclass(frozen=True)
class Found:
    """What is known of one row: as the rules want to know it, and what of ours it would stand for."""

    line: rules.Line
    siblings: rules.Siblings = field(default_factory=rules.Siblings)
    ours: rules.Ours | None = None
    subjects: tuple[Subject, ...] = ()
    taken_back: tuple[UUID, ...] = ()
    """Collections that stood here and were reversed."""


async def find(tx: Reader, statement: Row, rows: Sequence[Row], window_days: int) -> dict[int, Found]:
    """What each of these rows stands for, by row number."""
    siblings = await _siblings(tx, statement, rows)
    by_reference = await _by_reference(tx, statement, rows, siblings)
    found = {row["row_no"]: Found(_line(row), siblings.get(row["row_no"], rules.Siblings())) for row in rows}
    standing = await _standing(tx, statement["pool"], by_reference)
    for row in rows:
        ours = by_reference.get(row["row_no"])
        if ours:
            found[row["row_no"]] = _with(found[row["row_no"]], statement, row, ours, standing)
    left = [row for row in rows if _wants_counterpart(found[row["row_no"]])]
    for row, one in await _by_content(tx, statement, left, window_days):
        found[row["row_no"]] = _with(found[row["row_no"]], statement, row, [one], {})
    return found


def _line(row: Row) -> rules.Line:
    return rules.Line(rules.LineKind(row["kind"]), rules.LineStatus(row["status"]), row["amount_fen"])


async def _siblings(tx: Reader, statement: Row, rows: Sequence[Row]) -> dict[int, rules.Siblings]:
    references = sorted({row["reference"] for row in rows if row["reference"]})
    counts: dict[str, dict[str, int]] = defaultdict(lambda: defaultdict(int))
    places: dict[int, tuple[str, int]] = {}
    for row in await judging.siblings(tx, statement["pool"], statement["statement_id"], references):
        # What went back to one card is told apart by its amount.
        kind = f"{row['kind']} {row['amount_fen']}" if row["kind"] == rules.LineKind.REFUND else row["kind"]
        counts[row["reference"]][kind] += 1
        places[row["row_no"]] = (row["reference"], counts[row["reference"]][kind])
    return {
        row_no: rules.Siblings(
            place, counts[reference][rules.LineKind.PAYMENT], counts[reference][rules.LineKind.REVERSAL]
        )
        for row_no, (reference, place) in places.items()
    }


async def _by_reference(
    tx: Reader, statement: Row, rows: Sequence[Row], siblings: Mapping[int, rules.Siblings]
) -> dict[int, Sequence[Mapping[str, Any]]]:
    """Our collections and refunds under the references of rows."""
    money = [row for row in rows if row["reference"] and row["kind"] != rules.LineKind.REFUND]
    back = [row for row in rows if row["reference"] and row["kind"] == rules.LineKind.REFUND]
    collections = await _collections(tx, statement, [row["reference"] for row in money])
    refunds = await _refunds(tx, statement, [row["reference"] for row in back])
    found: dict[int, Sequence[Mapping[str, Any]]] = {
        row["row_no"]: collections.get(row["reference"], []) for row in money
    }
    for row in back:
        place = siblings.get(row["row_no"], rules.Siblings()).place
        named = refunds.get(row["reference"], [])
        same = [refund for refund in named if refund["amount_fen"] == row["amount_fen"]]
        found[row["row_no"]] = _nth(same or named, place)
    return found


def _nth(refunds: Sequence[Mapping[str, Any]], place: int) -> Sequence[Mapping[str, Any]]:
    """The refund that the row at this place stands for; one row too many stands for what another has already."""
    if place <= len(refunds):
        return [refunds[place - 1]]
    return [{**refunds[-1], "taken": True}] if refunds else []


async def _standing(
    tx: Reader, pool: str, found: Mapping[int, Sequence[Mapping[str, Any]]]
) -> dict[tuple[str, UUID], tuple[UUID, int]]:
    """The rows that stand for these collections and refunds already, by pool and identifier."""
    known: dict[tuple[str, UUID], tuple[UUID, int]] = {}
    for kind in ("collection", "refund"):
        ids = sorted({_id(one) for ours in found.values() for one in ours if _kind(one) == kind})
        rows = await store.standing(tx, pool, kind, ids) if ids else []
        known |= {(row["subject_pool"], row["subject_id"]): (row["statement_id"], row["row_no"]) for row in rows}
    return known


def _kind(one: Mapping[str, Any]) -> str:
    return "refund" if "refund_id" in one else "collection"


def _id(one: Mapping[str, Any]) -> UUID:
    found: UUID = one[f"{_kind(one)}_id"]
    return found


async def _collections(tx: Reader, statement: Row, references: Sequence[str]) -> dict[str, list[Mapping[str, Any]]]:
    pool, channel = statement["pool"], statement["channel"]
    found: dict[str, list[Mapping[str, Any]]] = defaultdict(list)
    if statement["layout"] == "shift_report":
        shifts = {row["shift_id"]: row for row in await store.shifts_by_id(tx, pool, _shift_ids(references))}
        for shift_id in shifts:
            found[f"{_SHIFT}{shift_id}"] = []
        for row in await store.cash_of_shifts(tx, pool, list(shifts)):
            shift = shifts[row["shift_id"]]
            found[row["wanted"]].append({**row, "day": shift["day"], "order_no": shift["counter_code"]})
        return found
    if channel != Channel.AGENT:
        for row in await store.collections_by_reference(tx, pool, channel, references):
            found[row["wanted"]].append(row)
    # One that has a home of its own is not looked for among those that have none.
    return {reference: _at_home(pool, rows) for reference, rows in found.items()}


def _at_home(pool: str, rows: list[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    return [row for row in rows if row["pool"] == pool] or rows


def _shift_ids(references: Iterable[str]) -> list[UUID]:
    ids = []
    for reference in references:
        try:
            ids.append(UUID(reference.removeprefix(_SHIFT)))
        except ValueError:
            continue  # not one of ours: nothing is found for it
    return ids


async def _refunds(tx: Reader, statement: Row, references: Sequence[str]) -> dict[str, list[Mapping[str, Any]]]:
    pool = statement["pool"]
    found: dict[str, list[Mapping[str, Any]]] = defaultdict(list)
    if statement["channel"] == Channel.COUNTER:
        for row in await store.card_refunds(tx, pool, statement["day"], references):
            found[row["wanted"]].append(row)
        return found
    named = {reference: refund_of_number(reference) for reference in references}
    by_id = {number[1]: reference for reference, number in named.items() if number and number[0] == pool}
    for row in await store.refunds_by_id(tx, pool, list(by_id)):
        found[by_id[row["refund_id"]]].append(row)
    return found


def _wants_counterpart(found: Found) -> bool:
    """Whether a row is standing money for which nothing of ours was found under its reference."""
    line, siblings = found.line, found.siblings
    standing = siblings.place - siblings.reversals == 1
    paid = line.kind is rules.LineKind.PAYMENT and line.status is rules.LineStatus.SUCCESS
    return paid and standing and line.amount_fen is not None and found.ours is None


async def _by_content(
    tx: Reader, statement: Row, rows: Sequence[Row], window_days: int
) -> list[tuple[Row, Mapping[str, Any]]]:
    """Pair rows with money of ours that nobody has claimed; each is taken once, in the rows' order."""
    if not rows:
        return []
    pool, day = statement["pool"], statement["day"]
    if statement["channel"] == Channel.AGENT:
        amounts = [row["amount_fen"] for row in rows]
        free = list(await store.unclaimed_of_agent(tx, pool, statement["institution"], day, window_days, amounts))
        return _pair(rows, free, _same_payment)
    orders = [row["order_no"] for row in rows if row["order_no"]]
    if not orders or statement["channel"] == Channel.COUNTER:
        return []
    found = await store.collections_by_order(tx, pool, statement["statement_id"], statement["channel"], day, orders)
    return _pair(rows, list(found), _same_order)


def _pair(
    rows: Sequence[Row], free: list[Row], fits: Callable[[Row, Row], bool]
) -> list[tuple[Row, Mapping[str, Any]]]:
    """Each row with the fitting money of its amount that is nearest in time."""
    by_amount: dict[int, list[Row]] = defaultdict(list)
    for one in free:
        by_amount[one["amount_fen"]].append(one)
    pairs = []
    for row in rows:
        at = row["paid_at"] or _EARLIEST
        free_of_amount = by_amount[row["amount_fen"]]
        fitting = [(abs(one["paid_at"] - at), one["collection_id"], one) for one in free_of_amount if fits(row, one)]
        if fitting:
            nearest = min(fitting, key=lambda each: each[:2])[2]
            free_of_amount.remove(nearest)
            pairs.append((row, nearest))
    return pairs


def _same_order(row: Row, one: Row) -> bool:
    return row["order_no"] in (one["bill_no"], one["order_no"])


def _same_payment(row: Row, one: Row) -> bool:
    return bool(row["payer_name"]) and rules.same_payer(row["payer_name"], one["payer_name"])


def _with(
    found: Found,
    statement: Row,
    row: Row,
    ours: Sequence[Mapping[str, Any]],
    standing: Mapping[tuple[str, UUID], tuple[UUID, int]],
) -> Found:
    live = [one for one in ours if _live(one)]
    counted = live or ours
    here = (statement["statement_id"], row["row_no"])
    return Found(
        found.line,
        found.siblings,
        rules.Ours(
            amount_fen=sum(one["amount_fen"] for one in counted),
            live=bool(live),
            elsewhere=any("taken" in one or standing.get((one["pool"], _id(one)), here) != here for one in counted),
            same_bill=_same_bill(row, counted),
            days_apart=max(abs((_day(statement, one) - statement["day"]).days) for one in counted),
        ),
        tuple(Subject(_kind(one), one["pool"], _id(one), one["amount_fen"]) for one in live),
        tuple(_id(one) for one in ours if _kind(one) == "collection" and not _live(one)),
    )


def _live(one: Mapping[str, Any]) -> bool:
    if "state" in one:
        return bool(one["state"] != RefundState.FAILED)
    return one["reversed_at"] is None


def _same_bill(row: Row, ours: Sequence[Mapping[str, Any]]) -> bool:
    """Whether the order or bill that a line names is ours; a line may name none, or a customer instead of a bill."""
    named = row["order_no"]
    if not named or row["kind"] == rules.LineKind.REFUND:
        return True
    if row["reference"] and row["reference"].startswith(_SHIFT):
        return all(one["order_no"] == named for one in ours)
    return pool_named(named) == POOLLESS or any(named in (one["bill_no"], one["order_no"]) for one in ours)


def _day(statement: Row, one: Mapping[str, Any]) -> date:
    """The day to which the channel counts money of ours: a bank has accounting days of its own."""
    if "day" in one:
        return date.fromisoformat(str(one["day"]))
    if statement["channel"] == Channel.BANK and "reference" in one:
        text = one["reference"].split("/")[1]
        return date(int(text[:4]), int(text[4:6]), int(text[6:8]))
    return business_day(one["paid_at"])
