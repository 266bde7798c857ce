"""The wire of the work list: names and numbers that may mean several persons."""

from datetime import datetime
from uuid import UUID

from pydantic import BaseModel, Field

from .fields import ID, Request
from .persons import Person


class MatchCase(BaseModel):
    """A name with a number that is not good, which may mean several known persons of that name."""

    case_id: UUID = Field(description="Identifier of the case", examples=[ID])
    name: str = Field(description="Name as written", examples=["张三"])
    number: str = Field(
        description="Number as written, masked without the scope `persons:full`", examples=["1101************2X"]
    )
    candidates: list[Person] = Field(description="Whom it may mean", examples=[[]])
    opened_at: datetime = Field(
        description="Business instant at which it came first", examples=["2021-08-18T09:00:04+08:00"]
    )
    version: int = Field(description="Version of the case, as in ETag", examples=[1])


class MatchCasePage(BaseModel):
    """A page of the work list."""

    items: list[MatchCase] = Field(description="Open cases in the order they came", examples=[[]])
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
    version: int = Field(description="Version of the case, as in ETag", examples=[2])
