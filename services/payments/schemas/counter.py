"""The counter: shifts, and money taken in cash or by POS."""

from datetime import datetime
from typing import Literal, Self
from uuid import UUID

from pydantic import AwareDatetime, BaseModel, Field, model_validator

from .fields import BillNo, Body, PoolField, PositiveFen, RegionField


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


class ShiftClosing(Body):
    """Count the drawer and close the shift."""

    pool: PoolField
    counted_cash_fen: int = Field(
        strict=True, ge=0, le=10**12, description="Cash counted, the float included, in fen", examples=[370000]
    )
    note: str | None = Field(default=None, max_length=500, description="Why the count differs", examples=["少一枚硬币"])


class Shift(BaseModel):
    """班次: one clerk at one counter, from opening to the count of the drawer."""

    pool: PoolField
    shift_id: UUID = Field(description="Identifier", examples=["0192f0c4-7b7a-7c3e-8a55-3f1f7f1b2a01"])
    counter_code: str = Field(description="The counter", examples=["TAXHALL01"])
    region: RegionField
    clerk: str = Field(description="Who opened it (`sub`)", examples=["clerk-wang"])
    status: Literal["open", "closed"] = Field(description="open or closed", examples=["open"])
    opening_float_fen: int = Field(description="Change in the drawer, in fen", examples=[50000])
    opened_at: datetime = Field(description="Business instant of opening", examples=["2021-09-01T08:30:00+08:00"])
    closed_at: datetime | None = Field(
        description="Business instant of closing", examples=["2021-09-01T17:30:00+08:00"]
    )
    expected_cash_fen: int | None = Field(description="Float + cash taken − cash paid back, in fen", examples=[370000])
    counted_cash_fen: int | None = Field(description="Cash counted, in fen", examples=[370000])
    difference_fen: int | None = Field(description="Counted less expected, in fen", examples=[0])
    takings_fen: int | None = Field(
        description="Handed to the special account: all taken less all paid back, in fen", examples=[640000]
    )
    note: str | None = Field(description="Remark on the count", examples=["少一枚硬币"])
    version: int = Field(description="Version, also the ETag", examples=[1])


class PosSlip(Body):
    """What the POS terminal printed."""

    terminal_no: str = Field(min_length=1, max_length=20, description="Terminal", examples=["14000123"])
    reference_no: str = Field(
        min_length=1, max_length=30, description="Acquirer's reference number", examples=["109121530211"]
    )
    paid_at: AwareDatetime = Field(description="When the card was charged", examples=["2021-12-05T10:00:00+08:00"])


class CounterItem(Body):
    """One bill of a payment."""

    bill_no: BillNo
    amount_fen: PositiveFen


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
        examples=[{"terminal_no": "14000123", "reference_no": "109121530211", "paid_at": "2021-12-05T10:00:00+08:00"}],
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
