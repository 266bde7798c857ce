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
    name_masked: str | None = None


class AssessmentRevised(AssessmentIssued):
    """Registration's `assessment.revised`, as far as payments reads it: a new assessment in place of an earlier one."""

    revises: UUID
    reason: str
    found_on: date


class AssessmentVoided(BaseModel):
    """Registration's `assessment.voided`: nothing is due any more, for the person does not join."""

    assessment_id: UUID
    scheme: str
    person_id: UUID
    reason: str
    found_on: date


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


class BillVoided(BaseModel):
    """Event `bill.voided`: nothing is due on it any more; `replaced_by` is the bill that took its place."""

    bill_no: str
    assessment_id: UUID
    person_id: UUID
    scheme: str
    region: str
    amount_fen: int
    reason: str
    replaced_by: str | None


class CollectionSurplus(BaseModel):
    """Event `collection.surplus`: money that was not due, or is not due any more, and has to go back.

    `amount_fen` is what became due back by this; `cause` the assessment that made it so, "" where the money came for a
    paid bill, `because` registration's reason for it. `found_on` is the day that counts for asking it back; `late`:
    after the bill's window.
    """

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
    cause: str
    because: str
    found_on: date
    late: bool


class RefundSettled(BaseModel):
    """Event `refund.settled`: the money has been paid back."""

    refund_id: UUID
    application_id: UUID
    collection_id: UUID
    scheme: str
    method: str
    amount_fen: int
    paid_by: str
    settled_at: datetime


class RefundReturned(BaseModel):
    """Events `refund.returned` (the money has not gone back and will not by this refund) and `refund.abnormal` (its
    channel could not bring it home; a person has to look)."""

    refund_id: UUID
    application_id: UUID
    collection_id: UUID
    scheme: str
    method: str
    amount_fen: int
    detail: str | None


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
