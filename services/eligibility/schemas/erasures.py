"""The wire of erasures."""

from datetime import datetime
from uuid import UUID

from pydantic import BaseModel, Field

from ..rules import ErasureState
from .fields import ID, PoolCode, Request


class ErasureRequest(Request):
    """That a person's name and numbers are to be erased."""

    pool: PoolCode
    person_id: UUID = Field(description="The person; every record that is one with it goes along", examples=[ID])
    reason: str = Field(
        min_length=2, max_length=500, description="Who asks for it and why, for the record", examples=["本人申请"]
    )


class Erasure(BaseModel):
    """A request to erase a person's name and numbers, and what became of it."""

    erasure_id: UUID = Field(description="Identifier of the request", examples=[ID])
    pool: PoolCode
    person_id: UUID = Field(description="The person", examples=[ID])
    state: ErasureState = Field(
        description="requested: waits for a second person; erased; declined", examples=["requested"]
    )
    reason: str = Field(description="Who asks for it and why", examples=["本人申请"])
    requested_by: str = Field(description="Who has entered it", examples=["zhang.san"])
    requested_at: datetime = Field(description="Business instant of that", examples=["2052-03-01T09:00:00+08:00"])
    decided_by: str | None = Field(description="Who has decided", examples=[None])
    decided_at: datetime | None = Field(description="Business instant of the decision", examples=[None])
    version: int = Field(description="Version of the record, as in ETag", examples=[1])


class ErasurePage(BaseModel):
    """Some requests, in the order they came."""

    items: list[Erasure] = Field(description="At most `limit` requests", examples=[[]])
    next: str | None = Field(description="Cursor of the next page; null at the end", examples=[None])
