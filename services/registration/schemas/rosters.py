"""Units and the rosters that they hand in."""

from typing import Literal
from uuid import UUID

from pydantic import Field

from .fields import EXAMPLE_ID, AnswerBody, InstantOut, Name, PoolCode, ReasonOut, RegionCode, RequestBody, UnitCode


class UnitRequest(RequestBody):
    """A unit to be made."""

    pool: PoolCode = Field(description="Pooling area", examples=["990101"])
    unit_code: UnitCode = Field(description="The unit's own code", examples=["990101102203"])
    name: Name = Field(description="Name of the unit", examples=["示例村"])
    kind: Literal["village", "school", "institution"] = Field(description="What the unit is", examples=["village"])
    region: RegionCode = Field(description="Where it lies, division code", examples=["990101102203"])


class UnitOut(AnswerBody):
    """A village or residents' committee, a school or an institution that gathers a roster."""

    pool: str = Field(description="Pooling area", examples=["990101"])
    unit_code: str = Field(description="The unit's own code", examples=["990101102203"])
    name: str = Field(description="Name of the unit", examples=["示例村"])
    kind: Literal["village", "school", "institution"] = Field(description="What the unit is", examples=["village"])
    region: str = Field(description="Where it lies, division code", examples=["990101102203"])
    made_at: InstantOut = Field(description="Business instant", examples=["2030-08-31T09:00:00+08:00"])


class UnitPage(AnswerBody):
    """A page of units."""

    items: list[UnitOut] = Field(description="Units by code", examples=[[]])
    next: str | None = Field(description="Cursor of the next page; null at the end", examples=["990101102203"])


class RosterOut(AnswerBody):
    """One roster as handed in, and how far it is taken."""

    roster_id: UUID = Field(description="Identifier of the roster", examples=[EXAMPLE_ID])
    pool: str = Field(description="Pooling area", examples=["990101"])
    scheme: str = Field(description="Scheme that the roster is for", examples=["example-2031"])
    unit_code: str = Field(description="Unit that handed it in", examples=["990101102203"])
    file_name: str = Field(description="Name of the file", examples=["990101102203.xlsx"])
    sha256: str = Field(description="SHA-256 of the file, hex", examples=["9f86d081884c7d65"])
    state: Literal["received", "taken"] = Field(
        description="`received`: rows are still being taken; `taken`: every row has its outcome", examples=["taken"]
    )
    rows_total: int = Field(description="Rows of the file, the header and empty rows left out", examples=[320])
    rows_enrolled: int = Field(description="Rows whose person was enrolled", examples=[310])
    rows_refused: int = Field(description="Rows whose person a rule refuses", examples=[8])
    rows_rejected: int = Field(description="Rows that are no person that the register knows or takes", examples=[2])
    received_by: str = Field(description="Person who handed it in", examples=["clerk-990101102203"])
    received_at: InstantOut = Field(description="Business instant", examples=["2030-09-01T10:00:00+08:00"])
    taken_at: InstantOut | None = Field(
        description="Business instant at which the last row was done", examples=["2030-09-01T10:00:05+08:00"]
    )
    version: int = Field(description="Raised with each step", examples=[2])


class RosterPage(AnswerBody):
    """A page of rosters."""

    items: list[RosterOut] = Field(description="Rosters in the order in which they came", examples=[[]])
    next: str | None = Field(description="Cursor of the next page; null at the end", examples=[EXAMPLE_ID])


class RosterRowOut(AnswerBody):
    """What became of one row."""

    row: int = Field(description="Number of the row in the sheet; the header is row 1", examples=[2])
    outcome: Literal["enrolled", "refused", "rejected"] = Field(
        description="`refused` by a rule of the scheme, `rejected` because the row names no person",
        examples=["enrolled"],
    )
    person_id: UUID | None = Field(description="The person; null where rejected", examples=[EXAMPLE_ID])
    enrolment_id: UUID | None = Field(description="The enrolment that this row made", examples=[EXAMPLE_ID])
    reasons: list[ReasonOut] = Field(description="Every reason; empty where enrolled", examples=[[]])


class RosterRowPage(AnswerBody):
    """A page of a roster's rows."""

    items: list[RosterRowOut] = Field(description="Rows by number", examples=[[]])
    next: str | None = Field(description="Cursor of the next page; null at the end", examples=["500"])
