"""The wire of the work list: names and numbers that may mean several persons."""

from datetime import datetime
from uuid import UUID

from pydantic import BaseModel, Field

from .fields import ID, Request
from .persons import KnownPerson


class MatchCase(BaseModel):
    """A name with a number that is not good, or none, which may mean several known persons of that name."""

    case_id: UUID = Field(description="Identifier of the case", examples=[ID])
    name: str = Field(description="Name as written", examples=["张三"])
    number: str = Field(
        description="Number as written, masked without the scope `persons:full`", examples=["1101************2X"]
    )
    candidates: list[KnownPerson] = Field(description="Whom it may mean", examples=[[]])
    opened_at: datetime = Field(
        description="Business instant at which it came first", examples=["2021-08-18T09:00:04+08:00"]
    )
    person_id: UUID | None = Field(
        description="Who is meant, by decision; null: undecided, or nobody who is known", examples=[None]
    )
    decided_by: str | None = Field(description="Who decided; null: nobody yet", examples=[None])
    decided_at: datetime | None = Field(description="Business instant of the decision", examples=[None])
    times_used: int = Field(description="Rows that were taken by the decision since", examples=[0])
    last_used_at: datetime | None = Field(description="Business instant of the last of them", examples=[None])
    withdrawn_at: datetime | None = Field(
        description="Business instant at which the decision was withdrawn; null: it holds", examples=[None]
    )
    withdrawal_reason: str | None = Field(description="Why it was withdrawn", examples=[None])
    version: int = Field(description="Version of the case, as in ETag", examples=[1])


class MatchCasePage(BaseModel):
    """A page of the work list."""

    items: list[MatchCase] = Field(description="Cases in the order they came", examples=[[]])
    next: str | None = Field(description="Cursor of the next page; null where nothing is left", examples=[None])


class MatchDecision(Request):
    """Whom a name and number mean."""

    person_id: UUID | None = Field(description="One of the candidates; null: nobody who is known", examples=[ID])


class MatchDecided(BaseModel):
    """A case that is decided; the decision holds whenever name and number come again."""

    case_id: UUID = Field(description="Identifier of the case", examples=[ID])
    person_id: UUID | None = Field(description="Who is meant; null: nobody who is known", examples=[ID])
    decided_by: str = Field(description="Who decided", examples=["zhang.san"])
    decided_at: datetime = Field(description="Business instant of the decision", examples=["2021-08-19T10:00:00+08:00"])
    withdrawn_at: datetime | None = Field(
        None, description="Business instant at which it was withdrawn; null: it holds", examples=[None]
    )
    version: int = Field(description="Version of the case, as in ETag", examples=[2])


class MatchWithdrawal(Request):
    """Take a decision back."""

    reason: str = Field(min_length=2, max_length=500, description="Why, for the record", examples=["认错了人"])
