"""The wire of persons."""

from datetime import date
from typing import Literal
from uuid import UUID

from pydantic import BaseModel, Field

from .fields import ID, PoolCode, RegionCode, Request


class DocumentIn(Request):
    """The document that names a person."""

    type: Literal["resident_id"] = Field(description="Kind of document", examples=["resident_id"])
    number: str = Field(
        max_length=40,
        description="Number as written; blanks and a lower-case x are fine",
        examples=["11010519491231002X"],
    )


class DocumentOut(BaseModel):
    """The document that names a person, its number masked unless the token has `persons:full`."""

    type: Literal["resident_id"] = Field(description="Kind of document", examples=["resident_id"])
    number: str = Field(description="Number, masked without the scope `persons:full`", examples=["1101************2X"])


class ResolveItem(Request):
    """One person of a roster."""

    row: int = Field(ge=0, description="The caller's own number for this person", examples=[2])
    name: str = Field(max_length=100, description="Name as written", examples=["张三"])
    document: DocumentIn = Field(
        description="The document shown", examples=[{"type": "resident_id", "number": "11010519491231002X"}]
    )
    hukou: RegionCode | None = Field(
        None, description="Declared place of the hukou, 6, 9 or 12 digits", examples=["990101102203"]
    )
    residence: RegionCode | None = Field(
        None, description="Declared residence, 6, 9 or 12 digits", examples=["990101102203"]
    )


class ResolveRequest(Request):
    """Persons to find, or to record where the register does not know them."""

    pool: PoolCode
    items: list[ResolveItem] = Field(min_length=1, max_length=1000, description="1 to 1,000 persons", examples=[[]])


class Reason(BaseModel):
    """Why a person was refused."""

    code: str = Field(description="Stable code of the fault", examples=["name_differs"])
    detail: str = Field(description="What is wrong, for the clerk", examples=["姓名与已登记的姓名不一致"])


class PersonFacts(BaseModel):
    """What the register knows about a person, besides name and number."""

    birth_date: date | None = Field(description="Day of birth", examples=["1949-12-31"])
    sex: Literal["male", "female"] | None = Field(description="Sex, as the number says", examples=["female"])
    hukou: str | None = Field(
        description="Place of the hukou by the public-security register, 12 digits; null where it has told nothing",
        examples=["990101102203"],
    )
    hukou_since: date | None = Field(
        description="Day since when the hukou is there; null: since birth, or not known", examples=[None]
    )
    deceased_on: date | None = Field(description="Day of death; null for the living", examples=[None])


class Resolved(PersonFacts):
    """Whom an item means."""

    row: int = Field(description="The caller's own number for this person", examples=[2])
    outcome: Literal["matched", "created", "refused"] = Field(
        description="matched: known before; created: recorded now; refused: see reasons", examples=["matched"]
    )
    person_id: UUID | None = Field(description="Identifier of the person; null where refused", examples=[ID])
    reasons: list[Reason] = Field(description="Every fault of a refused item", examples=[[]])


class ResolveAnswer(BaseModel):
    """The persons, in the order they were asked for."""

    items: list[Resolved] = Field(description="One entry per item", examples=[[]])


class LookupRequest(Request):
    """Whom does this document name?"""

    pool: PoolCode
    document: DocumentIn = Field(
        description="The document shown", examples=[{"type": "resident_id", "number": "11010519491231002X"}]
    )


class Person(PersonFacts):
    """A person of the register."""

    person_id: UUID = Field(description="Identifier of the person", examples=[ID])
    name: str = Field(description="Name", examples=["张三"])
    document: DocumentOut = Field(
        description="The document that names the person",
        examples=[{"type": "resident_id", "number": "1101************2X"}],
    )
    version: int = Field(description="Version of the record, as in ETag", examples=[1])
