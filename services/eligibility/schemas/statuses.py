"""The wire of statuses: questions, answers with their evidence, and news."""

from datetime import date, datetime
from typing import Self
from uuid import UUID

from pydantic import AwareDatetime, BaseModel, Field, model_validator

from shared.codes import Status

from ..rules import NearReason
from .fields import FEED_ID, ID, SHA256, PoolCode, Request


class Evidence(BaseModel):
    """The row of a department's list on which a status rests."""

    supplier: str = Field(description="Department that states it", examples=["civil_affairs"])
    feed_id: UUID = Field(description="The list", examples=[FEED_ID])
    row: int = Field(description="Row of the list; the header is row 1", examples=[17])
    sha256: str = Field(description="SHA-256 of the list, hex", examples=[SHA256])
    ended_by: UUID | None = Field(
        description="The later full list that no longer names the person, and so ended the status; else null",
        examples=[None],
    )


class StatusFact(BaseModel):
    """A status that holds on the day asked for."""

    code: Status = Field(description="Which status", examples=["dibao"])
    grade: int | None = Field(description="Grade of a disability, 1 (heaviest) to 4; else null", examples=[None])
    school_region: str | None = Field(
        description="Where a student's school lies, 6 to 12 digits; else null", examples=[None]
    )
    identified_on: date = Field(description="First day on which it holds", examples=["2021-03-01"])
    valid_to: date | None = Field(description="Last day on which it holds; null: until further notice", examples=[None])
    evidence: Evidence = Field(
        description="What it rests on",
        examples=[{"supplier": "civil_affairs", "feed_id": FEED_ID, "row": 17, "sha256": SHA256, "ended_by": None}],
    )


class NearStatus(StatusFact):
    """A status that was near, and why it does not hold."""

    reason: NearReason = Field(
        description="not_yet_recorded: told later; withdrawn: no longer held to be true; not_yet_begun, ended: by its "
        "days",
        examples=["ended"],
    )
    recorded_at: datetime = Field(
        description="Business instant since when it was known", examples=["2021-08-18T09:00:04+08:00"]
    )
    withdrawn_at: datetime | None = Field(
        description="Business instant since when it is no longer held to be true; null: it is", examples=[None]
    )


class PersonStatuses(BaseModel):
    """The statuses of one person."""

    person_id: UUID = Field(description="Identifier of the person", examples=[ID])
    statuses: list[StatusFact] = Field(description="Statuses that hold on the day; none: an empty list", examples=[[]])
    near: list[NearStatus] | None = Field(
        description="Statuses on record that do not hold, each with why; null without `explain`",
        examples=[[]],
    )


class StatusAnswer(BaseModel):
    """The statuses of persons as of one day, as known at one instant."""

    as_of: date | None = Field(
        description="The day answered for; null where every day was asked for", examples=["2021-12-05"]
    )
    known_at: datetime = Field(
        description="Business instant whose knowledge is answered", examples=["2021-12-05T10:00:00+08:00"]
    )
    items: list[PersonStatuses] = Field(description="One entry per person asked for, in that order", examples=[[]])


class StatusQuery(Request):
    """Which statuses do these persons hold on a day, or on any?"""

    pool: PoolCode
    as_of: date | None = Field(
        None, description="Day in question; null: today in Asia/Shanghai", examples=["2021-12-05"]
    )
    known_at: AwareDatetime | None = Field(
        None,
        description="What was known at this business instant; null: now",
        examples=["2021-12-05T10:00:00+08:00"],
    )
    explain: bool = Field(False, description="Also tell what was near and why it does not hold", examples=[False])
    every_day: bool = Field(
        False, description="Instead of a day: every status with its days, past and future ones too", examples=[False]
    )
    person_ids: list[UUID] = Field(min_length=1, max_length=10_000, description="1 to 10,000 persons", examples=[[ID]])

    @model_validator(mode="after")
    def _one_or_the_other(self) -> Self:
        if self.every_day and self.as_of is not None:
            raise ValueError("`as_of` is not given with `every_day`")
        return self


class StatusNews(BaseModel):
    """Body of the events `status.granted` and `status.withdrawn`."""

    status_id: UUID = Field(description="Identifier of the status", examples=[ID])
    person_id: UUID = Field(description="Whose status", examples=[ID])
    code: Status = Field(description="Which status", examples=["dibao"])
    grade: int | None = Field(description="Grade of a disability, else null", examples=[None])
    school_region: str | None = Field(description="Where a student's school lies, else null", examples=[None])
    identified_on: date = Field(description="First day on which it holds", examples=["2021-03-01"])
    valid_to: date | None = Field(description="Last day on which it holds; null: until further notice", examples=[None])
    supplier: str = Field(description="Department that states it", examples=["civil_affairs"])
    feed_id: UUID = Field(description="The list", examples=[FEED_ID])
    row: int = Field(description="Row of the list; the header is row 1", examples=[17])


class Holder(StatusFact):
    """A person who holds the status asked for."""

    person_id: UUID = Field(description="Who", examples=[ID])
    hukou: str | None = Field(
        description="Place of the hukou on that day, 12 digits; null where public security has told nothing",
        examples=["990101102203"],
    )


class HolderPage(BaseModel):
    """A page of the persons who hold a status on a day."""

    as_of: date = Field(description="The day answered for", examples=["2021-12-05"])
    known_at: datetime = Field(
        description="Business instant whose knowledge is answered; give it again for the next page",
        examples=["2021-12-05T10:00:00+08:00"],
    )
    items: list[Holder] = Field(description="One entry per person", examples=[[]])
    next: str | None = Field(description="Cursor of the next page; null where nothing is left", examples=[None])
