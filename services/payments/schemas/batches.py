"""Batches of ledger lines that were made without network."""

from datetime import datetime
from typing import Literal
from uuid import UUID

from pydantic import BaseModel, Field

from shared.problem import ProblemType

from ..rules.ledger_batches import BatchState
from .fields import PoolField
from .ledgers import LineResult

_ID = "0192f0c4-7b7a-7c3e-8a55-3f1f7f1b2a0c"


class Batch(BaseModel):
    """离线批次: a signed file of lines, and how far it is in the ledger."""

    pool: PoolField
    batch_id: UUID = Field(description="Identifier", examples=[_ID])
    ledger_id: UUID = Field(description="The ledger", examples=["0192f0c4-7b7a-7c3e-8a55-3f1f7f1b2a08"])
    batch_no: str = Field(description="What the device calls it", examples=["20211205-1"])
    sha256: str = Field(
        description="SHA-256 of the file",
        examples=["9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"],
    )
    file_name: str = Field(description="Name of the file", examples=["V200-20211205.jsonl"])
    size_bytes: int = Field(description="Size in bytes", examples=[18234])
    state: BatchState = Field(
        description="`received`: its lines are being taken; `taken`: all of them have their result", examples=["taken"]
    )
    lines_count: int = Field(description="Lines in the file", examples=[40])
    lines_taken: int = Field(description="Lines that have their result", examples=[40])
    refused_count: int = Field(description="Lines that came back", examples=[1])
    made_at: datetime = Field(description="When the device made it", examples=["2021-12-05T20:00:00+08:00"])
    received_by: str = Field(description="Who brought it (`sub`)", examples=["agent-zhang"])
    received_at: datetime = Field(description="Business instant", examples=["2021-12-06T09:00:00+08:00"])
    taken_at: datetime | None = Field(description="Business instant", examples=["2021-12-06T09:00:02+08:00"])
    version: int = Field(description="Version, also the ETag", examples=[2])


class BatchPage(BaseModel):
    """A page of batches."""

    items: list[Batch] = Field(description="In the order in which they came", examples=[[]])
    next: str | None = Field(description="Cursor of the next page", examples=[None])


class BatchLine(LineResult):
    """What became of one line of a batch."""

    row_no: int = Field(description="Row of the file; the head is row 1", examples=[2])
    line_no: int | None = Field(description="Number; none where the row is no line", examples=[41])  # type: ignore[assignment]
    outcome: Literal["settled", "surplus", "suspense", "reversed", "spoiled", "refused"] = Field(
        description="What became of its money, as with lines that are sent with network", examples=["settled"]
    )


class BatchLinePage(BaseModel):
    """A page of a batch's lines."""

    items: list[BatchLine] = Field(description="In the order of the file", examples=[[]])
    next: str | None = Field(description="Cursor of the next page", examples=[None])


BATCH_UNKNOWN = ProblemType(
    "ledger_batch_unknown",
    404,
    ("批次不存在", "No such batch"),
    ("没有离线批次 {batch_id}", "There is no batch {batch_id}"),
)
BATCH_UNREADABLE = ProblemType(
    "ledger_batch_unreadable",
    422,
    ("离线批次不能读取", "The batch cannot be read"),
    ("{why}；未登记任何一行", "The file is no whole batch, or not of this ledger: {why}. Nothing was taken"),
)
BATCH_NOT_SIGNED = ProblemType(
    "ledger_batch_not_signed",
    422,
    ("离线批次签名无效", "The batch is not signed"),
    (
        "文件须由登记人 {agent} 已登记的设备签名，且不晚于当前时间；未登记任何一行",
        "The file has to be signed by a registered device of {agent}, and not in the future; nothing was taken",
    ),
)
