"""Receipt numbers handed out beforehand: blocks of a unit's book, and what became of their numbers."""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import BaseModel, Field

from shared.problem import ProblemType

from ..rules.blocks import BlockState
from .fields import Body, PoolField, RegionField

_ID = "0192f0c4-7b7a-7c3e-8a55-3f1f7f1b2a0b"

BookCode = Annotated[
    str, Field(pattern=r"^[0-9A-Za-z_-]{1,32}$", description="Receipt book: the unit's code", examples=["V200"])
]


class BlockOrder(Body):
    """Hand out the next numbers of a unit's book to an agent of that unit (领用)."""

    pool: PoolField
    book_code: BookCode
    region: RegionField
    agent: str = Field(min_length=1, max_length=200, description="Who receives them (`sub`)", examples=["agent-zhang"])
    count: int = Field(strict=True, ge=1, le=1_000, description="How many numbers", examples=[50])


class BlockReturn(Body):
    """The agent gives back what is left (交回). What was used has been reported before."""

    pool: PoolField
    unused_count: int = Field(
        strict=True, ge=0, le=1_000, description="Unused receipts in the agent's hand, counted", examples=[12]
    )


class BlockCheck(Body):
    """A second person has counted what came back: the block is written off (核销), or the agent has to look again."""

    pool: PoolField
    result: Literal["written_off", "rejected"] = Field(description="What the count came to", examples=["written_off"])
    note: str | None = Field(default=None, max_length=500, description="Remark", examples=["清点相符"])


class Block(BaseModel):
    """号段: consecutive numbers of a book, and what became of them so far."""

    pool: PoolField
    block_id: UUID = Field(description="Identifier", examples=[_ID])
    book_code: str = Field(description="Receipt book", examples=["V200"])
    first_receipt_no: str = Field(description="First number, as printed", examples=["V200-00000001"])
    last_receipt_no: str = Field(description="Last number, as printed", examples=["V200-00000050"])
    count: int = Field(description="How many numbers", examples=[50])
    region: RegionField
    agent: str = Field(description="Who holds them (`sub`)", examples=["agent-zhang"])
    state: BlockState = Field(description="Handed out, given back, or written off", examples=["issued"])
    used_count: int = Field(description="Receipts, the voided included", examples=[37])
    withheld_count: int = Field(
        description="Given to payers whose money is in suspense: they count as no receipt", examples=[0]
    )
    spoiled_count: int = Field(description="Spoiled on paper (作废)", examples=[1])
    returned_count: int = Field(description="Given back unused and written off", examples=[0])
    unused_count: int = Field(description="Of which nothing is known yet", examples=[12])
    stated_unused_count: int | None = Field(description="What the agent counted when giving back", examples=[12])
    issued_by: str = Field(description="Who handed them out (`sub`)", examples=["officer-li"])
    issued_at: datetime = Field(description="Business instant", examples=["2021-09-01T08:00:00+08:00"])
    returned_at: datetime | None = Field(description="Business instant", examples=[None])
    checked_by: str | None = Field(description="Who counted what came back (`sub`)", examples=[None])
    checked_at: datetime | None = Field(description="Business instant", examples=[None])
    note: str | None = Field(description="Remark of whoever counted", examples=[None])
    version: int = Field(description="Version, also the ETag", examples=[1])


class BlockPage(BaseModel):
    """A page of blocks."""

    items: list[Block] = Field(description="In the order in which they were handed out", examples=[[]])
    next: str | None = Field(description="Cursor of the next page", examples=[None])


BLOCK_UNKNOWN = ProblemType(
    "receipt_block_unknown",
    404,
    ("号段不存在", "No such block"),
    ("没有号段 {block_id}", "There is no block {block_id}"),
)
BLOCK_OF_ANOTHER = ProblemType(
    "receipt_block_of_another",
    403,
    ("不是本人领用的号段", "Not your block"),
    ("号段由 {agent} 领用，须由其本人交回", "The block was handed to {agent}, who has to give it back"),
)
BLOCK_MOVED_ON = ProblemType(
    "receipt_block_moved_on",
    409,
    ("号段状态不符", "The block is in another state"),
    ("号段现为 {state}，不能办理", "The block is {state}; this cannot be done with it"),
)
UNUSED_DIFFERS = ProblemType(
    "unused_count_differs",
    409,
    ("未用张数不符", "The count of unused receipts differs"),
    (
        "号段还有 {found} 号没有下落，所报未用 {stated} 张；请先上报台账，作废的票据也要登记",
        "Nothing is known of {found} numbers, {stated} were counted; report the ledger first, with spoiled receipts",
    ),
)
