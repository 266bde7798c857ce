"""Money that goes back."""

from datetime import datetime
from typing import Self
from uuid import UUID

from pydantic import BaseModel, Field, model_validator

from ..rules.refunding import AT_COUNTER, Method, RefundState
from .fields import Body, PoolField, PositiveFen

_METHOD = (
    "cash or pos_return at a counter; wechat, bank, etax: back through the channel that the money came by; treasury: "
    "from the treasury, where it was posted, to the account that was recorded for the application"
)


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
    scheme: str = Field(
        default="",
        max_length=60,
        description="Scheme of the application; counts where the money was for an unknown bill",
        examples=["example-2031"],
    )
    shift_id: UUID | None = Field(
        default=None,
        description="Open shift that pays it out; with a method of the counter only",
        examples=["0192f0c4-7b7a-7c3e-8a55-3f1f7f1b2a01"],
    )
    method: Method = Field(description=_METHOD, examples=["cash"])
    amount_fen: PositiveFen
    paid_to: str = Field(min_length=1, max_length=100, description="Who receives it", examples=["王小明"])
    paid_by: str = Field(min_length=1, max_length=200, description="Who pays it out (`sub`)", examples=["clerk-zhao"])

    @model_validator(mode="after")
    def _shift_fits_method(self) -> Self:
        if (self.method in AT_COUNTER) != (self.shift_id is not None):
            raise ValueError("`shift_id` is given with a method of the counter, and only then")
        return self


class RefundGivingUp(Body):
    """Give an abnormal refund up: its channel could not bring the money home, and it is to go another way."""

    pool: PoolField
    given_up_by: str = Field(
        min_length=1, max_length=200, description="Who decided so (`sub`); not who paid", examples=["head-chen"]
    )
    note: str = Field(min_length=1, max_length=500, description="Why", examples=["银行卡已注销，改为窗口现金退付"])


class Refund(BaseModel):
    """退款: money on its way back, or there."""

    pool: PoolField
    refund_id: UUID = Field(description="Identifier", examples=["0192f0c4-7b7a-7c3e-8a55-3f1f7f1b2a06"])
    application_id: UUID = Field(description="The application", examples=["0192f0c4-7b7a-7c3e-8a55-3f1f7f1b2a07"])
    collection_id: UUID = Field(description="The money", examples=["0192f0c4-7b7a-7c3e-8a55-3f1f7f1b2a03"])
    shift_id: UUID | None = Field(
        description="Shift that paid it out; null where a channel does",
        examples=["0192f0c4-7b7a-7c3e-8a55-3f1f7f1b2a01"],
    )
    scheme: str = Field(description="Scheme", examples=["example-2031"])
    method: Method = Field(description=_METHOD, examples=["cash"])
    state: RefundState = Field(description="How far it has come", examples=["settled"])
    amount_fen: int = Field(description="Amount in fen", examples=[30000])
    paid_to: str = Field(description="Who receives it", examples=["王小明"])
    paid_by: str = Field(description="Who pays it out (`sub`)", examples=["clerk-zhao"])
    reference: str | None = Field(description="The channel's own number", examples=["50300806782024010100000000001"])
    detail: str | None = Field(description="What the channel said last", examples=["USER_ACCOUNT_ABNORMAL"])
    told_fen: int | None = Field(
        description="What the channel says it has paid, where that is another sum than was asked for; such a refund "
        "cannot be given up",
        examples=[None],
    )
    submitted_at: datetime = Field(description="When it was ordered", examples=["2021-12-06T10:00:00+08:00"])
    settled_at: datetime | None = Field(description="When the money was back", examples=["2021-12-06T10:00:00+08:00"])
    failed_at: datetime | None = Field(description="When it failed or was given up", examples=[None])
    given_up_by: str | None = Field(description="Who gave it up (`sub`)", examples=[None])
    give_up_note: str | None = Field(description="Why it was given up", examples=[None])
    waiting_since: datetime | None = Field(description="Since when its outcome is open; wall time", examples=[None])
    version: int = Field(description="Version, also the ETag", examples=[1])


class RefundPage(BaseModel):
    """A page of refunds."""

    items: list[Refund] = Field(description="Refunds in the order in which they were ordered", examples=[[]])
    next: str | None = Field(description="Cursor of the next page", examples=["0192f0c4-7b7a-7c3e-8a55-3f1f7f1b2a06"])
