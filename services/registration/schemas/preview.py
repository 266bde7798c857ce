"""The preview of an assessment, to the letter of the contract."""

from typing import Annotated, Literal

from pydantic import AfterValidator, Field, StrictInt, ValidationInfo, field_validator
from pydantic_core import PydanticCustomError

from shared.codes import STATED, Document, RefusalCode, Status

from ..rules import EnrolmentKind, NotAppliedReason
from .circumstances import Circumstances
from .fields import (
    EXAMPLE_SPAN,
    AnswerBody,
    Day,
    Instant,
    LineOut,
    Name,
    NotAppliedOut,
    ReasonOut,
    RegionCode,
    RequestBody,
    SpanOut,
)

Grade = Annotated[StrictInt, Field(ge=1, le=4)]


def _no_permit(code: Status) -> Status:
    # What public security says; here the person's own field `residence_permit` says it.
    if code not in STATED:
        raise PydanticCustomError("enum", "is a field of the person, not a status")
    return code


class PreviewStatus(RequestBody):
    """A status as the caller states it."""

    code: Annotated[Status, AfterValidator(_no_permit)] = Field(
        description="Status code; a residence permit is a field of the person", examples=["disabled"]
    )
    grade: Grade | None = Field(
        None,
        description="Grade of disability, 1 the most severe; required for `disabled`",
        examples=[2],
        validate_default=True,
    )
    identified_on: Day | None = Field(
        None, description="Day from which the status counts; null: always held", examples=["2019-01-01"]
    )
    school_region: RegionCode | None = Field(
        None, description="Place of a student's school; null: a school in the pool", examples=["990101102"]
    )

    @field_validator("grade")
    @classmethod
    def _disabled_needs_grade(cls, grade: int | None, info: ValidationInfo) -> int | None:
        if grade is None and info.data.get("code") is Status.DISABLED:
            raise PydanticCustomError("grade_missing", "disabled needs its grade, 1 to 4")
        return grade


class PreviewPerson(Circumstances):
    """The person who would enrol."""

    birth_date: Day = Field(description="Day of birth", examples=["1950-03-01"])
    sex: Literal["male", "female"] | None = Field(None, description="Sex; null: not known", examples=["female"])
    hukou: RegionCode = Field(
        description="Household registration place, division code of 6, 9 or 12 digits", examples=["990101102"]
    )
    hukou_since: Day | None = Field(
        None,
        description="Day from which the hukou holds; null: since birth, for a newborn settled by `registered_at`",
        examples=["2020-06-01"],
    )
    residence: RegionCode = Field(
        description="Place of residence, division code of 6, 9 or 12 digits", examples=["990101102"]
    )


class PreviewRequest(RequestBody):
    """What would this person pay, who pays the rest, from when are they covered, and why?"""

    scheme: Name = Field(description="Scheme code", examples=["example-2031"])
    person: PreviewPerson = Field(
        description="The person who would enrol",
        examples=[{"birth_date": "1950-03-01", "hukou": "990101102", "residence": "990101102"}],
    )
    statuses: list[PreviewStatus] | None = Field(
        None, max_length=100, description="Statuses held; one not given is not held", examples=[[{"code": "dibao"}]]
    )
    enrolment: EnrolmentKind = Field(description="How the person would join", examples=["renewal"])
    registered_at: Instant = Field(
        description="Instant of registration, RFC 3339 with offset", examples=["2030-12-20T09:00:00+08:00"]
    )
    paid_at: Instant | None = Field(
        None,
        description="Instant at which payment would be recognised; null: judged by `registered_at`",
        examples=["2030-12-20T10:00:00+08:00"],
    )
    documents: list[Document] | None = Field(
        None,
        max_length=100,
        description="Papers shown; null: taken as shown, empty: none",
        examples=[["id_card", "hukou_booklet"]],
    )


class PreviewReason(ReasonOut):
    """One reason of a refused assessment."""

    code: RefusalCode = Field(description="Why the assessment is refused", examples=["closed_day"])


class PreviewNotApplied(NotAppliedOut):
    """A given status that gave nothing here, in codes."""

    reason: NotAppliedReason = Field(description="Why it gave nothing", examples=["one_subsidy_only"])


class PreviewAnswer(AnswerBody):
    """The assessment: accepted, or refused with every reason. Both have the same keys."""

    decision: Literal["accepted", "refused"] = Field(description="Whether the person may join", examples=["accepted"])
    scheme: str = Field(description="Scheme asked for", examples=["example-2031"])
    version: str | None = Field(
        description="Version of the package that answered; null where the scheme is unknown",
        examples=["sha256:4bf9739b7aa20c9f5f3ecbd25f8b8e00e0e724f6345fc75f1f690ac0b90f3b68"],
    )
    reasons: list[PreviewReason] = Field(description="Every reason that holds; empty where accepted", examples=[[]])
    standard_fen: int | None = Field(
        description="The whole that is due for the person at that moment, fen; null where refused", examples=[30000]
    )
    payable_fen: int | None = Field(description="The person's own part, fen; null where refused", examples=[3000])
    lines: list[LineOut] = Field(
        description="Who pays what; they sum to `standard_fen`",
        examples=[[{"payer": "person", "amount_fen": 30000, "status": None, "rules": ["S004-09"]}]],
    )
    cover: SpanOut | None = Field(
        description="The span that this enrolment covers; null where refused, or where the notice states none",
        examples=[EXAMPLE_SPAN],
    )
    not_applied: list[PreviewNotApplied] = Field(
        description="Given statuses that some scheme helps and that gave nothing here", examples=[[]]
    )
    rules: list[str] = Field(description="Ids of the rules that decided", examples=[["S004-09", "S004-14"]])
