"""The wire of persons."""

from datetime import date
from typing import Literal, Self
from uuid import UUID

from pydantic import BaseModel, Field, model_validator

from ..rules import DocumentKind, MatchedBy
from .fields import ID, PoolCode, RegionCode, Request


class DocumentIn(Request):
    """The document that names a person."""

    type: DocumentKind = Field(
        DocumentKind.RESIDENT_ID,
        description="Kind of document. Numbers of 18 digits name theirs by themselves: 81, 82 and 83 0000 a residence "
        "permit of somebody from Hong Kong, Macao or Taiwan, 9 and a province a foreigner's residence card",
        examples=["resident_id"],
    )
    number: str = Field(
        max_length=40,
        description="Number as written; blanks and a lower-case x are fine. Of a newborn without one: the mother's 18 "
        "digits and the order of birth in two",
        examples=["11010519491231002X"],
    )
    birth_date: date | None = Field(
        None,
        description="Day of birth, where the number does not say it (passports, newborns, cards of before 2023)",
        examples=[None],
    )
    sex: Literal["male", "female"] | None = Field(
        None, description="Sex, where the number does not say it", examples=[None]
    )


class DocumentOut(BaseModel):
    """A document that names a person, its number masked unless the token has `persons:full`."""

    type: DocumentKind = Field(description="Kind of document", examples=["resident_id"])
    number: str = Field(description="Number, masked without the scope `persons:full`", examples=["1101************2X"])
    valid_from: date | None = Field(
        None, description="First day on which it is valid; null: not known", examples=["2011-03-01"]
    )
    valid_to: date | None = Field(
        None, description="Last day on which it is valid; null: not known, or no end", examples=["2031-03-01"]
    )


class DocumentAdded(Request):
    """One more document of a person."""

    document: DocumentIn = Field(
        description="The document shown; birth date and sex are those on record",
        examples=[{"type": "chinese_passport", "number": "E12345678"}],
    )
    valid_from: date | None = Field(None, description="First day on which it is valid", examples=["2011-03-01"])
    valid_to: date | None = Field(None, description="Last day on which it is valid", examples=["2031-02-28"])

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.valid_from and self.valid_to and self.valid_to < self.valid_from:
            raise ValueError("`valid_to` is before `valid_from`")
        return self


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
    newborn_number: str | None = Field(
        None,
        max_length=40,
        description="By which the person was known before having a number: the mother's 18 digits and the order of "
        "birth in two. The two records become one, or people decide",
        examples=[None],
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
    matched_by: MatchedBy | None = Field(
        description="How a known person was found. number: by a good number; old_form: 15 digits; transposition: two "
        "neighbours exchanged; name_birth_region: by name, birth date and place of the hukou; decision: as a clerk "
        "decided about the same name and number before",
        examples=["number"],
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


class KnownPerson(PersonFacts):
    """A person of the register, with the document that names it first."""

    person_id: UUID = Field(
        description="Identifier of the person: of the record that answers for the one asked for", examples=[ID]
    )
    merged_ids: list[UUID] = Field(
        description="Other records that turned out to be this person; each id goes on being answered", examples=[[]]
    )
    name: str = Field(description="Name", examples=["张三"])
    document: DocumentOut = Field(
        description="The document that names the person",
        examples=[{"type": "resident_id", "number": "1101************2X"}],
    )
    version: int = Field(description="Version of the record, as in ETag", examples=[1])


class Person(KnownPerson):
    """A person of the register, with every document."""

    documents: list[DocumentOut] = Field(description="Every document on record, in the order it came", examples=[[]])
