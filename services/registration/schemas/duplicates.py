"""The wire of duplicate cover."""

from datetime import date
from typing import Literal
from uuid import UUID

from pydantic import Field

from .fields import EXAMPLE_ID, EXAMPLE_SPAN, AnswerBody, SpanOut


class OtherCover(AnswerBody):
    """A cover that another agency has told of."""

    kind: Literal["employee_insured", "insured_elsewhere"] = Field(
        description="Employees' insurance, or residents' insurance of another pooling area",
        examples=["employee_insured"],
    )
    starts_on: date | None = Field(alias="from", description="First day; null: always", examples=["2030-03-01"])
    ends_on: date | None = Field(alias="to", description="Last day; null: until further notice", examples=[None])


class DuplicateCover(AnswerBody):
    """重复参保: a cover here of which days are covered elsewhere too, and which of the two has preference."""

    person_id: UUID = Field(description="Person", examples=[EXAMPLE_ID])
    cover_id: UUID = Field(description="The cover here", examples=[EXAMPLE_ID])
    enrolment_id: UUID = Field(description="The enrolment behind it", examples=[EXAMPLE_ID])
    scheme: str = Field(description="Scheme", examples=["example-2031"])
    unit_code: str = Field(description="Unit that enrolled the person", examples=["990101102203"])
    cover: SpanOut = Field(description="Its days", examples=[EXAMPLE_SPAN])
    other: OtherCover = Field(
        description="The other cover", examples=[{"kind": "employee_insured", "from": "2030-03-01", "to": None}]
    )
    days: SpanOut = Field(description="The days that are covered twice", examples=[EXAMPLE_SPAN])
    keep: Literal["here", "other", "person_chooses"] = Field(
        description="Which cover has preference; where the person chooses, in writing", examples=["other"]
    )
    preference: str = Field(description="Entry of the order of preference that decides", examples=["employed_a_year"])
    why: str = Field(
        description="The same in Chinese", examples=["跨制度重复参保且连续参加职工医保满一年的，保留职工医保"]
    )


class DuplicateCoverPage(AnswerBody):
    """A page of duplicate cover."""

    items: list[DuplicateCover] = Field(
        description="Doubled covers among those looked at; may be empty although more follow", examples=[[]]
    )
    next: str | None = Field(description="Cursor of the next page; null at the end", examples=[EXAMPLE_ID])
