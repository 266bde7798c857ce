"""The counter: shifts, and money taken in cash or by POS."""

from datetime import date, datetime
from typing import Literal, Self
from uuid import UUID

from pydantic import AwareDatetime, BaseModel, Field, model_validator

from shared.problem import ProblemType

from ..rules.shifts import counted
from .cards import BatchNo, TerminalNo, TraceNo
from .fields import BillNo, Body, PoolField, PositiveFen, RegionField, SchemeNamed


class ShiftOpening(Body):
    """Open a shift at a counter."""

    pool: PoolField
    counter_code: str = Field(
        pattern=r"^[A-Z0-9]{2,20}$", description="The counter, whose receipt book is used", examples=["TAXHALL01"]
    )
    region: RegionField
    opening_float_fen: int = Field(
        strict=True, ge=0, le=10**9, description="Change in the drawer, in fen", examples=[50000]
    )


class Denomination(Body):
    """So many notes or coins of one value (券别)."""

    value_fen: Literal[10000, 5000, 2000, 1000, 500, 100, 50, 10] = Field(description="Value in fen", examples=[10000])
    count: int = Field(strict=True, ge=0, le=1_000_000, description="How many", examples=[36])


class ShiftClosing(Body):
    """Count the drawer and close the shift."""

    pool: PoolField
    counted_cash_fen: int = Field(
        strict=True, ge=0, le=10**12, description="Cash counted, the float included, in fen", examples=[370000]
    )
    denominations: list[Denomination] | None = Field(
        default=None,
        max_length=20,
        description="The count by notes and coins; comes to `counted_cash_fen`",
        examples=[[{"value_fen": 10000, "count": 37}]],
    )
    note: str | None = Field(default=None, max_length=500, description="Why the count differs", examples=["少一枚硬币"])

    @property
    def told_denominations(self) -> list[dict[str, int]] | None:
        """The count by notes and coins, as it is kept."""
        return [one.model_dump() for one in self.denominations] if self.denominations is not None else None

    @model_validator(mode="after")
    def _denominations_are_the_count(self) -> Self:
        told = self.denominations
        if told is None:
            return self
        if len({one.value_fen for one in told}) != len(told):
            raise ValueError("a value stands in `denominations` twice")
        if counted({one.value_fen: one.count for one in told}) != self.counted_cash_fen:
            raise ValueError("`denominations` come to another sum than `counted_cash_fen`")
        return self


class DifferenceBooking(Body):
    """A second person has looked into what the drawer holds more or less than it should."""

    pool: PoolField
    note: str = Field(min_length=1, max_length=500, description="What was found", examples=["找零少找，无法联系缴费人"])


class Shift(BaseModel):
    """班次: one clerk at one counter, from opening to the count of the drawer."""

    pool: PoolField
    shift_id: UUID = Field(description="Identifier", examples=["0192f0c4-7b7a-7c3e-8a55-3f1f7f1b2a01"])
    counter_code: str = Field(description="The counter", examples=["TAXHALL01"])
    region: RegionField
    clerk: str = Field(description="Who opened it (`sub`)", examples=["clerk-wang"])
    status: Literal["open", "differs", "closed"] = Field(
        description="`differs`: closed, and the drawer held another sum; a second person has to book that",
        examples=["open"],
    )
    opening_float_fen: int = Field(description="Change in the drawer, in fen", examples=[50000])
    opened_at: datetime = Field(description="Business instant of opening", examples=["2021-09-01T08:30:00+08:00"])
    closed_at: datetime | None = Field(
        description="Business instant of closing", examples=["2021-09-01T17:30:00+08:00"]
    )
    expected_cash_fen: int | None = Field(description="Float + cash taken − cash paid back, in fen", examples=[370000])
    counted_cash_fen: int | None = Field(description="Cash counted, in fen", examples=[370000])
    difference_fen: int | None = Field(description="Counted less expected, in fen", examples=[0])
    denominations: list[Denomination] | None = Field(
        description="The count by notes and coins, where it was told", examples=[[{"value_fen": 10000, "count": 37}]]
    )
    takings_fen: int | None = Field(description="All taken less all paid back, in fen", examples=[640000])
    deposit_fen: int | None = Field(
        description="Cash to be deposited with the bank, a booked difference included, in fen; never below zero",
        examples=[320000],
    )
    deposit_due_on: date | None = Field(
        description="Next working day, by which the cash is deposited", examples=["2021-09-02"]
    )
    difference_note: str | None = Field(description="What the second person found", examples=[None])
    difference_booked_by: str | None = Field(description="Who booked the difference (`sub`)", examples=[None])
    difference_booked_at: datetime | None = Field(description="Business instant", examples=[None])
    note: str | None = Field(description="Remark on the count", examples=["少一枚硬币"])
    version: int = Field(description="Version, also the ETag", examples=[1])


class PosSlip(Body):
    """What the POS terminal printed; terminal, batch and trace name the slip for good."""

    terminal_no: TerminalNo
    batch_no: BatchNo
    trace_no: TraceNo
    reference_no: str | None = Field(
        default=None,
        pattern=r"^[0-9A-Za-z]{1,30}$",
        description="The acquirer's own number (参考号)",
        examples=["109121530211"],
    )
    paid_at: AwareDatetime = Field(description="When the card was charged", examples=["2021-12-05T10:00:00+08:00"])


class CounterItem(Body):
    """One bill of a payment."""

    bill_no: BillNo
    amount_fen: PositiveFen
    scheme: SchemeNamed = None


class CounterPayment(Body):
    """Money at the counter for one or several bills, by one payer.

    Cash is still in the payer's hand, so a fault of any item refuses the whole payment. A POS payment has been charged
    already: it is booked whatever it is.
    """

    pool: PoolField
    shift_id: UUID = Field(description="The clerk's open shift", examples=["0192f0c4-7b7a-7c3e-8a55-3f1f7f1b2a01"])
    method: Literal["cash", "pos"] = Field(description="How it is paid", examples=["cash"])
    payer_name: str = Field(min_length=1, max_length=100, description="缴费人, on the receipt", examples=["王小明"])
    payer_id: UUID | None = Field(
        default=None, description="The payer's person_id where known", examples=["0192f0c4-7b7a-7c3e-8a55-3f1f7f1b2a02"]
    )
    pos: PosSlip | None = Field(
        default=None,
        description="The POS slip; with method pos only",
        examples=[
            {
                "terminal_no": "14000123",
                "batch_no": "000117",
                "trace_no": "004211",
                "reference_no": "109121530211",
                "paid_at": "2021-12-05T10:00:00+08:00",
            }
        ],
    )
    items: list[CounterItem] = Field(
        min_length=1,
        max_length=100,
        description="The bills paid",
        examples=[[{"bill_no": "9901017QK3M9Z5T2WB8XCD", "amount_fen": 30000}]],
    )

    @model_validator(mode="after")
    def _slip_fits_method(self) -> Self:
        if (self.method == "pos") != (self.pos is not None):
            raise ValueError("`pos` is given with method pos, and only then")
        if len({item.bill_no for item in self.items}) != len(self.items):
            raise ValueError("a bill stands in `items` twice")
        return self


class CounterResult(BaseModel):
    """What became of one item."""

    bill_no: str = Field(description="The bill", examples=["9901017QK3M9Z5T2WB8XCD"])
    collection_id: UUID = Field(description="The booked money", examples=["0192f0c4-7b7a-7c3e-8a55-3f1f7f1b2a03"])
    outcome: Literal["settled", "surplus", "suspense"] = Field(description="What became of it", examples=["settled"])
    receipt_no: str | None = Field(description="Receipt; none for suspense", examples=["TAXHALL01-00000042"])
    reason: str | None = Field(description="Why it did not settle the bill", examples=["already_paid"])


class CounterAnswer(BaseModel):
    """One entry per item, in the order of the request."""

    items: list[CounterResult] = Field(description="What became of each item", examples=[[]])


class CashMove(BaseModel):
    """Cash that went into the drawer, or out of it."""

    at: datetime = Field(description="Business instant", examples=["2021-09-01T09:12:00+08:00"])
    kind: Literal["payment", "reversed", "refund"] = Field(description="What moved it", examples=["payment"])
    collection_id: UUID = Field(description="The money", examples=["0192f0c4-7b7a-7c3e-8a55-3f1f7f1b2a03"])
    receipt_no: str | None = Field(description="Receipt; none for suspense", examples=["TAXHALL01-00000042"])
    name: str = Field(description="Who paid, or to whom it was paid back", examples=["王小明"])
    in_fen: int = Field(description="Into the drawer, in fen", examples=[30000])
    out_fen: int = Field(description="Out of the drawer, in fen", examples=[0])
    balance_fen: int = Field(description="In the drawer afterwards, in fen", examples=[82000])


class CashJournal(BaseModel):
    """现金日记账 of a shift, its float first."""

    opening_float_fen: int = Field(description="Change in the drawer, in fen", examples=[50000])
    items: list[CashMove] = Field(description="In the order in which it happened", examples=[[]])
    balance_fen: int = Field(description="In the drawer by the books, in fen", examples=[82000])


NO_DIFFERENCE = ProblemType(
    "no_difference",
    409,
    ("没有待处理的差额", "There is no difference to book"),
    (
        "班次 {shift_id} 未结、账实相符，或差额已处理",
        "Shift {shift_id} is open, its drawer agrees, or the difference is booked",
    ),
)
