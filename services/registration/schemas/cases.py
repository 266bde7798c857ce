"""Cases: news about statuses that a person decides on, or that are only kept to be seen."""

from datetime import date
from typing import Annotated, Literal
from uuid import UUID

from pydantic import Field, StringConstraints

from ..rules import CaseKind
from .fields import EXAMPLE_ID, AnswerBody, InstantOut, PoolCode, RequestBody

Note = Annotated[
    str, StringConstraints(strict=True, strip_whitespace=True, min_length=1, max_length=500, pattern=r"^[^\x00]*$")
]


class CaseDecision(RequestBody):
    """What a person decides on a case."""

    pool: PoolCode = Field(description="Pooling area", examples=["990101"])
    result: Literal["approved", "declined"] = Field(
        description="approved: as if the list had come in time; of enrolled_twice: this enrolment is withdrawn",
        examples=["approved"],
    )
    note: Note = Field(description="Why; it stays with the case", examples=["花名在征缴期内认定，报送延误"])


class StatusCase(AnswerBody):
    """身份变动个案: a department's list that came too late to change anything by itself."""

    case_id: UUID = Field(description="Identifier of the case", examples=[EXAMPLE_ID])
    pool: str = Field(description="Pooling area", examples=["990101"])
    scheme: str = Field(description="Scheme", examples=["example-2031"])
    person_id: UUID = Field(description="Person", examples=[EXAMPLE_ID])
    enrolment_id: UUID = Field(description="The enrolment", examples=[EXAMPLE_ID])
    assessment_id: UUID = Field(description="The assessment that was in force", examples=[EXAMPLE_ID])
    kind: CaseKind = Field(
        description="recognised_late: a status that lowers what is due came after the window; excluded_late: the person"
        " was not to join, known after cover began; withdrawn_after_payment: a status that had helped was withdrawn,"
        " corrected_after_payment: by a correction of the package more was due; nothing is collected again;"
        " enrolled_twice: another enrolment in the scheme turned out to be of the same person",
        examples=["recognised_late"],
    )
    state: Literal["open", "approved", "declined", "noted"] = Field(
        description="noted asks nothing of anybody", examples=["open"]
    )
    found_on: date = Field(description="Day on which the list came", examples=["2031-01-05"])
    status: str | None = Field(description="The status it is about", examples=["dibao"])
    payable_fen: int = Field(description="The person's part as it was assessed, fen", examples=[30000])
    would_be_fen: int = Field(description="The person's part as the list would have it, fen", examples=[3000])
    rules: list[str] = Field(description="Ids of the rules behind it", examples=[["S004-14", "S004-17"]])
    opened_at: InstantOut = Field(description="Business instant", examples=["2031-01-05T09:00:00+08:00"])
    decided_by: str | None = Field(description="Who decided (`sub`)", examples=["head-chen"])
    decided_at: InstantOut | None = Field(description="Business instant", examples=["2031-01-06T09:00:00+08:00"])
    note: str | None = Field(description="Why it was decided so", examples=["花名在征缴期内认定，报送延误"])
    version: int = Field(description="Raised with each change", examples=[1])


class StatusCasePage(AnswerBody):
    """A page of cases."""

    items: list[StatusCase] = Field(description="Cases in the order in which they were opened", examples=[[]])
    next: str | None = Field(description="Cursor of the next page; null at the end", examples=[EXAMPLE_ID])
