"""Bodies of the events that registration tells and follows."""

from datetime import date, datetime
from uuid import UUID

from pydantic import BaseModel, Field

from .fields import LineOut, SpanOut, WindowOut

ASSESSMENT_ISSUED = "assessment.issued"
ASSESSMENT_REVISED = "assessment.revised"
ASSESSMENT_REINSTATED = "assessment.reinstated"
ASSESSMENT_VOIDED = "assessment.voided"
COVER_STARTED = "cover.started"
COVER_ENDED = "cover.ended"
BILL_PAID = "bill.paid"
BILL_REVERSED = "bill.reversed"
STATUS_GRANTED = "status.granted"
STATUS_WITHDRAWN = "status.withdrawn"
PERSON_MERGED = "person.merged"
PERSON_PARTED = "person.parted"


class AssessmentIssued(BaseModel):
    """assessment.issued: all that a bill needs, so that taking a payment asks nobody anything.

    `name_masked` lets whoever pays recognise the person; null where it was told before.
    """

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
    cover: SpanOut | None
    issued_at: datetime
    name_masked: str | None = None


class AssessmentRevised(AssessmentIssued):
    """assessment.revised: a new assessment in place of `revises`, which stays as it was issued.

    `difference_fen` is what the person owes now less what they owed before; negative where less is due. `found_on` is
    the day on which the list came that it rests on.
    """

    revises: UUID
    revision: int
    reason: str
    found_on: date
    difference_fen: int


class AssessmentReinstated(BaseModel):
    """assessment.reinstated: an earlier assessment is in force again, because it was paid before `overtaken` was known.

    More would be due by that one, and nothing is collected again of who has paid.
    """

    assessment_id: UUID
    enrolment_id: UUID
    scheme: str
    pool: str
    person_id: UUID
    overtaken: UUID


class AssessmentVoided(BaseModel):
    """assessment.voided: the person does not join after all, and nothing is due; `reason` is the status behind it."""

    assessment_id: UUID
    enrolment_id: UUID
    scheme: str
    pool: str
    person_id: UUID
    reason: str
    found_on: date
    voided_at: datetime


class CoverStarted(BaseModel):
    """cover.started: the covered days of a person in one calendar year."""

    cover_id: UUID
    person_id: UUID
    scheme: str
    year: int
    starts_on: date = Field(serialization_alias="from")
    ends_on: date = Field(serialization_alias="to")


class CoverEnded(CoverStarted):
    """cover.ended: the person is not covered after all, on none of the days that cover.started told."""

    reason: str


class StatusNews(BaseModel):
    """status.granted and status.withdrawn of eligibility, as far as registration reads them."""

    person_id: UUID


class MergeNews(BaseModel):
    """person.merged and person.parted of eligibility, as far as registration reads them.

    `person_ids` are `person_id` and all for whom it answers: `surviving_id` answers for them, or `person_id` does
    again.
    """

    person_id: UUID
    surviving_id: UUID
    person_ids: list[UUID]


class BillReversed(BaseModel):
    """bill.reversed of payments, as far as registration reads it."""

    bill_no: str
    assessment_id: UUID


class BillPaid(BaseModel):
    """bill.paid of payments, as far as registration reads it."""

    bill_no: str
    assessment_id: UUID
    amount_fen: int
    paid_on: date
