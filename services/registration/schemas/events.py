"""Bodies of the events that registration tells and follows."""

from datetime import date, datetime
from uuid import UUID

from pydantic import BaseModel, Field

from .fields import LineOut, SpanOut, WindowOut

ASSESSMENT_ISSUED = "assessment.issued"
COVER_STARTED = "cover.started"
BILL_PAID = "bill.paid"


class AssessmentIssued(BaseModel):
    """assessment.issued: all that a bill needs, so that taking a payment asks nobody anything."""

    assessment_id: UUID
    enrolment_id: UUID
    scheme: str
    version: str
    pool: str
    person_id: UUID
    unit_code: str
    region: str
    standard_fen: int
    payable_fen: int
    lines: list[LineOut]
    window: WindowOut
    cover: SpanOut
    issued_at: datetime


class CoverStarted(BaseModel):
    """cover.started: the covered days of a person in one calendar year."""

    cover_id: UUID
    person_id: UUID
    scheme: str
    year: int
    starts_on: date = Field(serialization_alias="from")
    ends_on: date = Field(serialization_alias="to")


class BillPaid(BaseModel):
    """bill.paid of payments, as far as registration reads it."""

    bill_no: str
    assessment_id: UUID
    amount_fen: int
    paid_on: date
