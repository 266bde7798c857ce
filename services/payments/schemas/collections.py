"""Money that has come."""

from datetime import datetime
from typing import Literal
from uuid import UUID

from pydantic import BaseModel, Field

from shared.codes import Channel

from .fields import PoolField


class Collection(BaseModel):
    """到账: money that has come."""

    pool: PoolField
    collection_id: UUID = Field(description="Identifier", examples=["0192f0c4-7b7a-7c3e-8a55-3f1f7f1b2a03"])
    channel: Channel = Field(description="Where it came in", examples=["counter"])
    method: str = Field(description="cash or pos", examples=["cash"])
    bill_no: str = Field(description="The bill it was meant for", examples=["9901017QK3M9Z5T2WB8XCD"])
    scheme: str | None = Field(description="Scheme of the bill", examples=["example-2031"])
    person_id: UUID | None = Field(description="Insured person", examples=["0192f0c4-7b7a-7c3e-8a55-3f1f7f1b2a05"])
    region: str = Field(
        description="Division code of the bill's unit, 6, 9 or 12 digits; the pool's where there is no such bill",
        examples=["990101102"],
    )
    amount_fen: int = Field(description="Amount in fen", examples=[30000])
    released_fen: int = Field(
        description="Owed back: all of a surplus, the difference of a revision, in fen", examples=[0]
    )
    refunding_fen: int = Field(description="Promised to refunds that are on their way, in fen", examples=[0])
    refunded_fen: int = Field(description="Paid back so far, in fen", examples=[0])
    payer_name: str = Field(description="缴费人", examples=["王小明"])
    payer_id: UUID | None = Field(
        description="The payer's person_id", examples=["0192f0c4-7b7a-7c3e-8a55-3f1f7f1b2a02"]
    )
    shift_id: UUID | None = Field(description="Shift that took it", examples=["0192f0c4-7b7a-7c3e-8a55-3f1f7f1b2a01"])
    paid_at: datetime = Field(description="When the payer paid", examples=["2021-12-05T10:00:00+08:00"])
    booked_at: datetime = Field(description="When it was booked", examples=["2021-12-05T10:00:03+08:00"])
    outcome: Literal["settled", "surplus", "suspense"] = Field(description="What became of it", examples=["settled"])
    reason: str | None = Field(description="Why it did not settle the bill", examples=["already_paid"])
    settles: str | None = Field(
        description="The bill that the money pays now; another than `bill_no` after a revision",
        examples=["9901017QK3M9Z5T2WB8XCD"],
    )
    receipt_no: str | None = Field(description="Receipt", examples=["TAXHALL01-00000042"])
    reversed_at: datetime | None = Field(description="When the channel took it back", examples=[None])
    reversal_reason: str | None = Field(description="Why it was taken back", examples=[None])
    version: int = Field(description="Version, also the ETag", examples=[1])


class CollectionPage(BaseModel):
    """A page of collections."""

    items: list[Collection] = Field(description="Collections in the order they were booked", examples=[[]])
    next: str | None = Field(description="Cursor of the next page", examples=["0192f0c4-7b7a-7c3e-8a55-3f1f7f1b2a03"])
