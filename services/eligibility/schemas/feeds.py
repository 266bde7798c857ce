"""The wire of lists that departments hand over."""

from datetime import date, datetime
from uuid import UUID

from pydantic import BaseModel, Field, field_validator

from shared.codes import Status

from ..rules import FeedKind, FeedState
from .fields import FEED_ID, ID, SHA256, PoolCode, Request


class Feed(BaseModel):
    """One handed-over version of a department's list."""

    feed_id: UUID = Field(description="Identifier of the feed", examples=[FEED_ID])
    pool: PoolCode
    supplier: str = Field(description="Department that handed the list over", examples=["civil_affairs"])
    file_name: str = Field(description="Name of the file as it came", examples=["低保花名2021-08.xlsx"])
    sha256: str = Field(description="SHA-256 of the file, hex", examples=[SHA256])
    size_bytes: int = Field(description="Size of the file, bytes", examples=[20480])
    kind: FeedKind = Field(
        description="changes: whom the list does not name loses nothing; full: the supplier's statuses of whom it does "
        "not name ended the day before",
        examples=["changes"],
    )
    list_day: date = Field(description="Day as of which the list speaks", examples=["2021-08-18"])
    serial: int = Field(description="The supplier's number of a list among those of one day", examples=[0])
    list_id: str | None = Field(description="Of a list in parts: the supplier's name of the list", examples=[None])
    part: int | None = Field(description="Which part of the list this file is", examples=[None])
    parts: int | None = Field(
        description="How many parts the list has; the list ends nothing before all are judged", examples=[None]
    )
    categories: list[Status] | None = Field(
        description="Of a full list: the categories for which it speaks; null: all of its supplier", examples=[None]
    )
    region: str | None = Field(
        description="Of a full list: the region for whose people it speaks; null: the whole pool", examples=[None]
    )
    state: FeedState = Field(
        description="received: its rows are being judged; held: a full list that ends many statuses waits for a second "
        "person; ending: it ends the statuses it does not name; taken: done; declined: its rows count, it ends "
        "nothing; withdrawing, withdrawn: it no longer counts",
        examples=["taken"],
    )
    rows_total: int = Field(description="Rows in the list, empty ones not counted", examples=[120])
    rows_accepted: int = Field(description="Rows taken in so far", examples=[117])
    rows_rejected: int = Field(description="Rows that go back so far", examples=[3])
    received_at: datetime = Field(description="Business instant of receipt", examples=["2021-08-18T09:00:00+08:00"])
    taken_at: datetime | None = Field(
        description="Business instant at which the last row was judged; null before",
        examples=["2021-08-18T09:00:04+08:00"],
    )
    statuses_held: int | None = Field(
        description="Of a full list: statuses of its supplier that held on its day; null before and for changes",
        examples=[None],
    )
    statuses_ending: int | None = Field(
        description="Of a full list: how many of those it does not name; null before and for changes", examples=[None]
    )
    decided_by: str | None = Field(description="Who decided about a list that was held", examples=[None])
    decided_at: datetime | None = Field(description="Business instant of that decision", examples=[None])
    withdrawn_by: str | None = Field(description="Who withdrew the list", examples=[None])
    withdrawn_at: datetime | None = Field(description="Business instant of the withdrawal", examples=[None])
    withdrawal_reason: str | None = Field(description="Why it was withdrawn", examples=[None])
    version: int = Field(description="Version of the record, as in ETag", examples=[2])

    @field_validator("categories", mode="before")
    @classmethod
    def _split(cls, written: str | None) -> list[str] | None:
        """As a row holds them, with a comma between."""
        return written.split(",") if written else None


class FeedPage(BaseModel):
    """A page of feeds."""

    items: list[Feed] = Field(description="Feeds in the order they came", examples=[[]])
    next: str | None = Field(description="Cursor of the next page; null where nothing is left", examples=[None])


class Withdrawal(Request):
    """Take a list back."""

    reason: str = Field(min_length=2, max_length=500, description="Why, for the record", examples=["报错了月份"])


class RestingStatus(BaseModel):
    """A status that rests on a row of a list, or did until it was withdrawn."""

    status_id: UUID = Field(description="Identifier of the status", examples=[ID])
    person_id: UUID = Field(description="Whose status", examples=[ID])
    code: Status = Field(description="Which status", examples=["dibao"])
    grade: int | None = Field(description="Grade of a disability, else null", examples=[None])
    school_region: str | None = Field(description="Where a student's school lies, else null", examples=[None])
    identified_on: date = Field(description="First day on which it holds", examples=["2021-03-01"])
    valid_to: date | None = Field(description="Last day on which it holds; null: until further notice", examples=[None])
    row: int = Field(description="Row of the list; the header is row 1", examples=[17])
    recorded_at: datetime = Field(
        description="Business instant since when it was known", examples=["2021-08-18T09:00:04+08:00"]
    )
    withdrawn_at: datetime | None = Field(
        description="Business instant since when it is no longer held to be true; null: it is", examples=[None]
    )


class RestingStatusPage(BaseModel):
    """A page of the statuses that rest on a list."""

    items: list[RestingStatus] = Field(description="Statuses as they were recorded", examples=[[]])
    next: str | None = Field(description="Cursor of the next page; null where nothing is left", examples=[None])
