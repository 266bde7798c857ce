"""Events: what payments learns from registration, and what it tells."""

from datetime import date, datetime
from typing import Any
from uuid import UUID

from pydantic import BaseModel


class AssessmentIssued(BaseModel):
    """Registration's `assessment.issued`, as far as payments reads it."""

    assessment_id: UUID
    scheme: str
    person_id: UUID
    unit_code: str
    region: str
    standard_fen: int
    payable_fen: int
    lines: list[dict[str, Any]]
    window: dict[str, Any]


class BillPaid(BaseModel):
    """Event `bill.paid`: the person's part is there (or was zero from the beginning)."""

    bill_no: str
    assessment_id: UUID
    person_id: UUID
    scheme: str
    region: str
    amount_fen: int
    paid_on: date
    collection_id: UUID | None
    receipt_no: str | None


class CollectionSurplus(BaseModel):
    """Event `collection.surplus`: money that was not due and has to go back."""

    collection_id: UUID
    bill_no: str
    person_id: UUID
    scheme: str
    region: str
    amount_fen: int
    paid_at: datetime
    channel: str
    method: str
    payer_name: str
    payer_id: UUID | None
    reason: str


class RefundSettled(BaseModel):
    """Event `refund.settled`: the money has been paid back."""

    refund_id: UUID
    application_id: UUID
    collection_id: UUID
    scheme: str
    amount_fen: int
    paid_by: str
    settled_at: datetime


class BillReversed(BaseModel):
    """Event `bill.reversed`: the money that had settled the bill was taken back; the bill is open again."""

    bill_no: str
    assessment_id: UUID
    person_id: UUID
    scheme: str
    region: str
    amount_fen: int
    collection_id: UUID
    reason: str
    reversed_on: date
