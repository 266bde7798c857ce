"""Money that goes back."""

from datetime import datetime
from typing import Literal
from uuid import UUID

from pydantic import BaseModel, Field

from .fields import Body, PoolField, PositiveFen


class RefundOrder(Body):
    """Pay back money, as decided by the refunds service."""

    pool: PoolField
    refund_id: UUID = Field(
        description="Identifier, made by the caller", examples=["0192f0c4-7b7a-7c3e-8a55-3f1f7f1b2a06"]
    )
    application_id: UUID = Field(
        description="The decided application", examples=["0192f0c4-7b7a-7c3e-8a55-3f1f7f1b2a07"]
    )
    collection_id: UUID = Field(description="The money", examples=["0192f0c4-7b7a-7c3e-8a55-3f1f7f1b2a03"])
    shift_id: UUID = Field(description="Open shift that pays it out", examples=["0192f0c4-7b7a-7c3e-8a55-3f1f7f1b2a01"])
    method: Literal["cash", "pos_return"] = Field(description="From the drawer, or back to the card", examples=["cash"])
    amount_fen: PositiveFen
    paid_to: str = Field(min_length=1, max_length=100, description="Who receives it", examples=["王小明"])
    paid_by: str = Field(min_length=1, max_length=200, description="Who pays it out (`sub`)", examples=["clerk-zhao"])


class Refund(BaseModel):
    """Money paid back."""

    pool: PoolField
    refund_id: UUID = Field(description="Identifier", examples=["0192f0c4-7b7a-7c3e-8a55-3f1f7f1b2a06"])
    application_id: UUID = Field(description="The application", examples=["0192f0c4-7b7a-7c3e-8a55-3f1f7f1b2a07"])
    collection_id: UUID = Field(description="The money", examples=["0192f0c4-7b7a-7c3e-8a55-3f1f7f1b2a03"])
    shift_id: UUID = Field(description="Shift that paid it out", examples=["0192f0c4-7b7a-7c3e-8a55-3f1f7f1b2a01"])
    scheme: str = Field(description="Scheme", examples=["yangcheng-2022"])
    method: str = Field(description="cash or pos_return", examples=["cash"])
    amount_fen: int = Field(description="Amount in fen", examples=[32000])
    paid_to: str = Field(description="Who received it", examples=["王小明"])
    paid_by: str = Field(description="Who paid it out (`sub`)", examples=["clerk-zhao"])
    settled_at: datetime = Field(description="When it was paid out", examples=["2021-12-06T10:00:00+08:00"])
