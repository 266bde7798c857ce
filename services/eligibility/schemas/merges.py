"""The wire of merges: two records that are one person."""

from datetime import datetime
from uuid import UUID

from pydantic import BaseModel, Field

from ..rules import MergeSource, MergeState
from .fields import ID, PoolCode, Request

_OTHER = "0192f0c4-7b7a-7c3e-8a55-3f1f7f1b2a02"


class MergeProposal(Request):
    """Two records that are one person, as a clerk has found."""

    pool: PoolCode
    merged_id: UUID = Field(description="The record for which the other answers from then on", examples=[ID])
    surviving_id: UUID = Field(description="The record that survives", examples=[_OTHER])
    reason: str = Field(
        min_length=2, max_length=500, description="How that is known, for the record", examples=["出生医学证明核对一致"]
    )


class MergeReason(Request):
    """Why a merge was wrong."""

    reason: str = Field(min_length=2, max_length=500, description="Why, for the record", examples=["双胞胎"])


class Merge(BaseModel):
    """That two records are one person: told or proposed, carried out, and undone where it was wrong."""

    merge_id: UUID = Field(description="Identifier of the merge", examples=[ID])
    pool: PoolCode
    merged_id: UUID = Field(description="The record that was found to be somebody else's", examples=[ID])
    surviving_id: UUID = Field(description="The record that survives", examples=[_OTHER])
    source: MergeSource = Field(
        description="list: a list of births; partner: whoever resolved the person; clerk: proposed", examples=["list"]
    )
    state: MergeState = Field(
        description="told: about to be carried out; proposed: waits for a second person; declined: they are two; "
        "merged; disputed: somebody says it was wrong; undone: it was; withdrawn: no list says so any more",
        examples=["merged"],
    )
    reason: str = Field(description="How it is known", examples=["出生登记"])
    proposed_by: str = Field(description="Who said so first", examples=["zhang.san"])
    proposed_at: datetime = Field(description="Business instant of that", examples=["2021-08-18T09:00:04+08:00"])
    decided_by: str | None = Field(description="Who decided last; null: nobody had to", examples=[None])
    decided_at: datetime | None = Field(description="Business instant of that decision", examples=[None])
    merged_at: datetime | None = Field(
        description="Business instant since when the survivor answers for both", examples=["2021-08-18T09:00:05+08:00"]
    )
    disputed_by: str | None = Field(description="Who says that it was wrong", examples=[None])
    disputed_at: datetime | None = Field(description="Business instant of that", examples=[None])
    dispute_reason: str | None = Field(description="Why it is said to be wrong", examples=[None])
    undone_at: datetime | None = Field(
        description="Business instant since when each answers for itself again", examples=[None]
    )
    version: int = Field(description="Version of the record, as in ETag", examples=[2])


class MergePage(BaseModel):
    """A page of merges."""

    items: list[Merge] = Field(description="Merges in the order they were told or proposed", examples=[[]])
    next: str | None = Field(description="Cursor of the next page; null where nothing is left", examples=[None])


class MergeNews(BaseModel):
    """Body of the events `person.merged` and `person.parted`."""

    merge_id: UUID = Field(description="The merge", examples=[ID])
    person_id: UUID = Field(description="Who is united with the survivor, or parted from it", examples=[ID])
    surviving_id: UUID = Field(description="Who answers for both, or did", examples=[_OTHER])
    person_ids: list[UUID] = Field(
        description="`person_id` and all for whom it answers: the survivor answers for each, or `person_id` does again",
        examples=[[ID]],
    )
    source: MergeSource = Field(description="Who said so", examples=["list"])
    reason: str = Field(description="How it is known", examples=["出生登记"])
