"""Events: what refunds learns from payments (and its answers to commands), and what it tells."""

from datetime import date, datetime
from typing import Literal
from uuid import UUID

from pydantic import BaseModel

from .answers import ReasonOut


class CollectionSurplus(BaseModel):
    """Payments' `collection.surplus`, as far as refunds reads it."""

    collection_id: UUID
    bill_no: str
    person_id: UUID
    scheme: str
    region: str
    amount_fen: int
    paid_at: datetime
    payer_name: str
    payer_id: UUID | None
    reason: str = "already_paid"
    cause: str = ""
    because: str = ""
    found_on: date | None = None
    late: bool = False


class RefundAnswer(BaseModel):
    """Payments' answer to a payout, as far as refunds reads it."""

    refund_id: UUID
    application_id: UUID
    amount_fen: int
    state: Literal["submitted", "processing", "settled", "abnormal", "failed"]
    settled_at: datetime | None
    detail: str | None


class RefundTrouble(BaseModel):
    """Payments' `refund.returned` and `refund.abnormal`, as far as refunds reads them."""

    refund_id: UUID
    application_id: UUID
    detail: str | None


class RefundSettled(BaseModel):
    """Payments' `refund.settled`, as far as refunds reads it."""

    refund_id: UUID
    application_id: UUID
    amount_fen: int
    settled_at: datetime


class RefundDecided(BaseModel):
    """Event `refund.decided`: whether money goes back; `refused` by the rules, `rejected` or `approved` by people."""

    application_id: UUID
    collection_id: UUID
    scheme: str
    person_id: UUID | None
    region: str
    ground: str
    amount_fen: int
    outcome: Literal["refused", "rejected", "approved"]
    reasons: list[ReasonOut]
    requested_on: date


class RefundClosed(BaseModel):
    """Event `refund.closed`: the money has gone back."""

    application_id: UUID
    refund_id: UUID
    collection_id: UUID
    scheme: str
    person_id: UUID | None
    region: str
    ground: str
    amount_fen: int
    method: str
    paid_by: str
    paid_at: datetime
    paid_on: date
