"""Enrolments, assessments, cover, and the progress of a scheme."""

from datetime import date
from typing import Literal
from uuid import UUID

from pydantic import Field

from shared.codes import Document

from ..rules import EnrolmentKind
from .circumstances import Circumstances
from .fields import (
    EXAMPLE_ID,
    EXAMPLE_SPAN,
    EXAMPLE_VERSION,
    AnswerBody,
    InstantOut,
    LineOut,
    Name,
    NotAppliedOut,
    PoolCode,
    ReasonOut,
    RegionCode,
    RequestBody,
    SpanOut,
    UnitCode,
)

_DOCUMENT = {"type": "resident_id", "number": "11010519491231002X"}


class IdentityDocument(RequestBody):
    """An identity document; eligibility checks it."""

    type: Literal[
        "resident_id",
        "hmt_residence_permit",
        "foreign_residence_card",
        "chinese_passport",
        "foreign_passport",
        "newborn",
    ] = Field(
        "resident_id",
        description="Kind of document; newborn: a child without a number, by the mother's 18 digits and the order of"
        " birth in two",
        examples=["resident_id"],
    )
    number: Name = Field(description="Its number", examples=["11010519491231002X"])
    birth_date: date | None = Field(None, description="Day of birth, where the number does not say it", examples=[None])
    sex: Literal["male", "female"] | None = Field(
        None, description="Sex, where the number does not say it", examples=[None]
    )


class EnrolmentPerson(Circumstances):
    """The person who enrols."""

    name: Name = Field(description="Name as on the document", examples=["张三"])
    document: IdentityDocument = Field(description="Identity document", examples=[_DOCUMENT])
    newborn_number: Name | None = Field(
        None,
        description="By which number of the mother the child was known before; the two records become one",
        examples=[None],
    )
    hukou: RegionCode = Field(description="Household registration place, division code", examples=["990101102203"])
    residence: RegionCode = Field(description="Place of residence, division code", examples=["990101102203"])
    household_no: Name | None = Field(None, description="The village's number of the household", examples=["0001"])


class EnrolmentRequest(RequestBody):
    """One person who registers apart from a roster."""

    pool: PoolCode = Field(description="Pooling area", examples=["990101"])
    scheme: Name = Field(description="Scheme to join", examples=["example-2031"])
    unit_code: UnitCode = Field(description="Unit at which the person registers", examples=["990101102203"])
    enrolment: EnrolmentKind = Field(description="How the person joins", examples=["newborn"])
    person: EnrolmentPerson = Field(
        description="The person who enrols",
        examples=[{"name": "张三", "document": _DOCUMENT, "hukou": "990101102203", "residence": "990101102203"}],
    )
    documents: list[Document] | None = Field(
        None, max_length=100, description="Papers shown; null: taken as shown", examples=[["hukou_booklet"]]
    )


class ReassessmentRequest(RequestBody):
    """Somebody who has not paid comes to pay."""

    pool: PoolCode = Field(description="Pooling area", examples=["990101"])


class EnrolmentOut(AnswerBody):
    """A person's registration for a scheme."""

    enrolment_id: UUID = Field(description="Identifier of the enrolment", examples=[EXAMPLE_ID])
    pool: str = Field(description="Pooling area", examples=["990101"])
    scheme: str = Field(description="Scheme", examples=["example-2031"])
    person_id: UUID = Field(description="Person", examples=[EXAMPLE_ID])
    kind: EnrolmentKind = Field(description="How the person joined", examples=["renewal"])
    unit_code: str = Field(description="Unit that enrolled the person", examples=["990101102203"])
    household_no: str = Field(description="The village's number of the household, or empty", examples=["0001"])
    roster_id: UUID | None = Field(
        description="Roster that named the person; null: registered alone", examples=[EXAMPLE_ID]
    )
    state: Literal["enrolled", "paid", "withdrawn"] = Field(
        description="`paid` once payments has told that the bill is paid; `withdrawn` where the person does not join"
        " after all",
        examples=["enrolled"],
    )
    enrolled_at: InstantOut = Field(description="Business instant", examples=["2030-09-01T10:00:05+08:00"])
    bill_no: str | None = Field(description="The bill that was paid", examples=["9901010192f0c47b7a7c3e"])
    paid_fen: int | None = Field(description="What the person paid, fen", examples=[3000])
    paid_on: date | None = Field(description="Business day of the payment", examples=["2030-09-05"])
    revision: int = Field(description="Which revision of its assessment is in force", examples=[1])
    withdrawn_at: InstantOut | None = Field(description="Business instant of the withdrawal", examples=[None])
    withdrawn_reason: str | None = Field(description="The status behind the withdrawal", examples=["employee_insured"])
    version: int = Field(description="Raised with each change", examples=[1])


class AssessmentOut(AnswerBody):
    """核定: what is due for a person, frozen when issued."""

    assessment_id: UUID = Field(description="Identifier of the assessment", examples=[EXAMPLE_ID])
    enrolment_id: UUID = Field(description="The enrolment it belongs to", examples=[EXAMPLE_ID])
    pool: str = Field(description="Pooling area", examples=["990101"])
    scheme: str = Field(description="Scheme", examples=["example-2031"])
    package: str = Field(description="Version of the package by which it was made", examples=[EXAMPLE_VERSION])
    person_id: UUID = Field(description="Person", examples=[EXAMPLE_ID])
    unit_code: str = Field(description="Unit that enrolled the person", examples=["990101102203"])
    assessed_for: date = Field(
        description="Day for which windows and statuses were judged: the first on which the person could pay",
        examples=["2030-09-01"],
    )
    standard_fen: int = Field(description="The whole that is due, fen", examples=[30000])
    payable_fen: int = Field(description="The person's own part, fen", examples=[3000])
    lines: list[LineOut] = Field(
        description="Who pays what; they sum to `standard_fen`",
        examples=[[{"payer": "person", "amount_fen": 30000, "status": None, "rules": ["S004-09"]}]],
    )
    cover: SpanOut | None = Field(
        description="The span that the enrolment covers once paid, as of `assessed_for`; null where the notice states"
        " none. Where cover runs from the payment, paying later starts it later",
        examples=[EXAMPLE_SPAN],
    )
    not_applied: list[NotAppliedOut] = Field(description="Statuses that gave nothing here", examples=[[]])
    rules: list[str] = Field(description="Ids of the rules that decided", examples=[["S004-09", "S004-14"]])
    issued_at: InstantOut = Field(description="Business instant", examples=["2030-09-01T10:00:05+08:00"])
    revision: int = Field(description="1 where the person enrolled; each revision is one more", examples=[1])
    revises: UUID | None = Field(description="The assessment in whose place it was issued", examples=[None])
    reason: str | None = Field(description="Why it was revised", examples=["status_recognised"])
    state: Literal["in_force", "superseded", "voided"] = Field(
        description="Whether it is in force, another is in its place, or the enrolment was withdrawn",
        examples=["in_force"],
    )


class CoverOut(AnswerBody):
    """The covered days of one person in one calendar year."""

    cover_id: UUID = Field(description="Identifier of the cover", examples=[EXAMPLE_ID])
    pool: str = Field(description="Pooling area", examples=["990101"])
    person_id: UUID = Field(description="Person", examples=[EXAMPLE_ID])
    scheme: str = Field(description="Scheme", examples=["example-2031"])
    enrolment_id: UUID = Field(description="The paid enrolment behind it", examples=[EXAMPLE_ID])
    year: int = Field(description="Calendar year", examples=[2031])
    covered_from: date = Field(description="First covered day", examples=["2031-01-01"])
    covered_to: date = Field(description="Last covered day, inclusive", examples=["2031-12-31"])
    started_at: InstantOut = Field(
        description="Business instant at which the payment was learnt", examples=["2030-09-05T10:00:00+08:00"]
    )
    ended_at: InstantOut | None = Field(
        description="Business instant since which the person is covered on none of these days", examples=[None]
    )
    end_reason: str | None = Field(description="Why", examples=["employee_insured"])


class EnrolmentPage(AnswerBody):
    """A page of enrolments."""

    items: list[EnrolmentOut] = Field(description="Enrolments in the order in which they were made", examples=[[]])
    next: str | None = Field(description="Cursor of the next page; null at the end", examples=[EXAMPLE_ID])


class AssessmentPage(AnswerBody):
    """A page of assessments."""

    items: list[AssessmentOut] = Field(description="Assessments in the order in which they were issued", examples=[[]])
    next: str | None = Field(description="Cursor of the next page; null at the end", examples=[EXAMPLE_ID])


class CoverPage(AnswerBody):
    """A page of cover."""

    items: list[CoverOut] = Field(description="Cover in the order in which it started", examples=[[]])
    next: str | None = Field(description="Cursor of the next page; null at the end", examples=[EXAMPLE_ID])


class EnrolmentAnswer(AnswerBody):
    """What became of a single registration."""

    outcome: Literal["enrolled", "refused"] = Field(
        description="Refused by a rule, with every reason; the refusal is recorded", examples=["enrolled"]
    )
    person_id: UUID = Field(description="Person", examples=[EXAMPLE_ID])
    enrolment: EnrolmentOut | None = Field(description="The enrolment; null where refused", examples=[None])
    assessment: AssessmentOut | None = Field(description="The assessment; null where refused", examples=[None])
    reasons: list[ReasonOut] = Field(description="Every reason of a refusal", examples=[[]])


class AssessedTotals(AnswerBody):
    """The assessments in force."""

    count: int = Field(description="Assessments", examples=[1900])
    standard_fen: int = Field(description="Sum of what is due, fen", examples=[57000000])
    by_payer_fen: dict[str, int] = Field(
        description="Sum of the lines of each payer, fen",
        examples=[{"person": 51000000, "medical_assistance_fund": 6000000}],
    )


class PaidRoster(AnswerBody):
    """The persons whose bill of more than nothing is paid, as learnt from payments."""

    heads: int = Field(description="Persons", examples=[1700])
    amount_fen: int = Field(description="Sum of what they paid, fen", examples=[54000000])
    digest: str = Field(
        description="Order-free digest of the set of persons: the sum over them of the first 15 hex digits of"
        " md5(person_id), as decimal text",
        examples=["0"],
    )


class Progress(AnswerBody):
    """How far a scheme has come; inside the caller's area only."""

    expected: int = Field(
        description="Distinct persons named by the rosters: a person on two rosters counts once, a rejected row names"
        " nobody and does not count",
        examples=[1980],
    )
    enrolled: int = Field(
        description="Persons enrolled and not withdrawn, newborns and single registrations included", examples=[1900]
    )
    refused: dict[str, int] = Field(
        description="Persons by refusal code; each person counts once per code, over rosters and single registrations",
        examples=[{"employee_insured": 60, "already_enrolled": 20}],
    )
    newborns: int = Field(description="Persons enrolled as newborns", examples=[12])
    withdrawn: int = Field(
        description="Persons whose enrolment was withdrawn; they are not among `enrolled`, and are counted as refused",
        examples=[3],
    )
    assessed: AssessedTotals = Field(
        description="The assessments in force", examples=[{"count": 0, "standard_fen": 0, "by_payer_fen": {}}]
    )
    covered: int = Field(description="Persons with cover", examples=[1750])
    roster_paid: PaidRoster = Field(
        description="Persons who paid something", examples=[{"heads": 0, "amount_fen": 0, "digest": "0"}]
    )
