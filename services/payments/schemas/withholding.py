"""Batches of withholding (批量代扣), their lines, and the bank's return files."""

from datetime import date, datetime
from typing import Literal
from uuid import UUID

from pydantic import BaseModel, Field

from ..rules.withholding import ReturnKind, ReturnState, WithholdingLineState, WithholdingState
from .agreements import Institution
from .fields import Body, PoolField

_ID = "0192f0c4-7b7a-7c3e-8a55-3f1f7f1b2a31"
_HASH = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"


class WithholdingOrder(Body):
    """Build a batch of the open bills whose persons have an agreement with this bank."""

    pool: PoolField
    institution: Institution
    debit_on: date = Field(description="Day on which the bank is to debit", examples=["2031-10-08"])
    scheme: str | None = Field(
        default=None, max_length=60, description="Only bills of this scheme", examples=["example-2031"]
    )


class WithholdingAct(Body):
    """Release or cancel a batch."""

    pool: PoolField
    note: str | None = Field(default=None, max_length=500, description="Why", examples=[None])


class Withholding(BaseModel):
    """代扣批次: bills whose money a bank is asked to debit."""

    pool: PoolField
    withholding_id: UUID = Field(description="Identifier", examples=[_ID])
    institution: Institution
    batch_no: str = Field(
        description="Its number with the bank, also in the name of the file", examples=["990101203110080001"]
    )
    debit_on: date = Field(description="Day on which the bank is to debit", examples=["2031-10-08"])
    state: WithholdingState = Field(
        description="`built` by one person, `sent` once another has released it, `returned`: some lines have no word "
        "yet, `closed`: every line has, `refused` whole by the bank, or `cancelled` before it was sent",
        examples=["sent"],
    )
    line_count: int = Field(description="Lines that are, or were, asked for", examples=[3])
    total_fen: int = Field(description="Their sum in fen", examples=[120000])
    asked_count: int = Field(description="Lines without a word of the bank", examples=[0])
    debited_count: int = Field(description="Lines debited whole", examples=[2])
    partial_count: int = Field(
        description="Lines debited with another amount; the money waits in suspense", examples=[1]
    )
    failed_count: int = Field(description="Lines that could not be debited; the next batch asks again", examples=[0])
    dropped_count: int = Field(description="Lines that were not sent, or refused with the whole file", examples=[0])
    built_by: str = Field(description="Who built it (`sub`)", examples=["clerk-wang"])
    built_at: datetime = Field(description="Business instant", examples=["2031-10-07T16:00:00+08:00"])
    released_by: str | None = Field(description="Who released it (`sub`)", examples=["chief-li"])
    released_at: datetime | None = Field(description="Business instant", examples=["2031-10-07T16:20:00+08:00"])
    refusal: str | None = Field(description="The word with which the bank refused it whole", examples=[None])
    note: str | None = Field(description="What was said to that", examples=[None])
    version: int = Field(description="Version, also the ETag", examples=[2])


class WithholdingPage(BaseModel):
    """A page of batches."""

    items: list[Withholding] = Field(description="In the order in which they were built", examples=[[]])
    next: str | None = Field(description="Cursor of the next page", examples=[_ID])


class WithholdingLine(BaseModel):
    """A bill in a batch."""

    bill_no: str = Field(description="The bill", examples=["9901017QK3M9Z5T2WB8XCD"])
    seq: int | None = Field(description="Its number in the file; null before the release", examples=[1])
    agreement_id: UUID = Field(description="The agreement", examples=["0192f0c4-7b7a-7c3e-8a55-3f1f7f1b2a30"])
    payer_name: str = Field(description="The account's holder; masked without `persons:full`", examples=["王*明"])
    account_masked: str = Field(description="Last digits of the account", examples=["***************0001"])
    amount_fen: int = Field(description="What is asked for, in fen", examples=[30000])
    state: WithholdingLineState = Field(
        description="`asked`: no word yet; `partial`: another amount was debited; `dropped`: not sent, or refused",
        examples=["debited"],
    )
    debited_fen: int | None = Field(description="What was debited, in fen", examples=[30000])
    debited_at: datetime | None = Field(description="When, by the bank", examples=["2031-10-08T06:30:00+08:00"])
    collection_id: UUID | None = Field(description="The money", examples=["0192f0c4-7b7a-7c3e-8a55-3f1f7f1b2a03"])
    outcome: str | None = Field(description="What it came to: settled, surplus or suspense", examples=["settled"])
    reason: str | None = Field(description="Why it did not settle the bill", examples=[None])
    receipt_no: str | None = Field(description="Its receipt", examples=["YHRCB990101-00000001"])
    message: str | None = Field(description="The bank's words, or why the line was dropped", examples=["余额不足"])


class WithholdingLinePage(BaseModel):
    """A page of lines."""

    items: list[WithholdingLine] = Field(description="By bill number", examples=[[]])
    next: str | None = Field(description="Cursor of the next page", examples=["9901017QK3M9Z5T2WB8XCD"])


class ReturnTotals(BaseModel):
    """Totals of a return file."""

    count: int = Field(description="Lines", examples=[3])
    total_fen: int = Field(description="What was asked for, in fen", examples=[120000])
    debited_count: int = Field(description="Lines with money", examples=[2])
    debited_fen: int = Field(description="Money debited, in fen", examples=[80000])


class WithholdingReturn(BaseModel):
    """回盘文件: a file of the bank about a batch."""

    pool: PoolField
    withholding_id: UUID = Field(description="The batch", examples=[_ID])
    return_no: int = Field(description="Number among the batch's files", examples=[1])
    kind: ReturnKind = Field(
        description="`interim`: results so far; `final`: supersedes them; `refusal` of the whole batch",
        examples=["interim"],
    )
    file_name: str = Field(description="Name of the file", examples=["RCB990101_990101203110080001.ret"])
    sha256: str = Field(description="SHA-256 of the bytes, hex", examples=[_HASH])
    state: ReturnState = Field(
        description="`accepted`: its lines are being taken; `differs`: its totals are not those of its lines, nothing "
        "moves until a second person accepts or rejects it; `taken` to the end",
        examples=["taken"],
    )
    told: ReturnTotals | None = Field(description="What it says of itself", examples=[None])
    found: ReturnTotals | None = Field(description="What its lines come to", examples=[None])
    lines_taken: int = Field(description="Lines taken so far", examples=[3])
    faults: dict[int, str] = Field(
        description="Lines that were not taken: number in the file, and why", examples=[{"3": "应缴单号与批次不符"}]
    )
    received_by: str = Field(description="Who brought it (`sub`)", examples=["clerk-wang"])
    received_at: datetime = Field(description="Business instant", examples=["2031-10-08T18:00:00+08:00"])
    judged_by: str | None = Field(description="Who accepted or rejected it (`sub`)", examples=[None])
    judged_at: datetime | None = Field(description="When", examples=[None])
    note: str | None = Field(description="What was said to that", examples=[None])
    version: int = Field(description="Version, also the ETag", examples=[1])


class WithholdingReturns(BaseModel):
    """The files that came for a batch."""

    items: list[WithholdingReturn] = Field(description="In their order", examples=[[]])


class ReturnJudgement(Body):
    """A second person's word on a return file whose totals differ."""

    pool: PoolField
    result: Literal["accepted", "rejected"] = Field(description="The word", examples=["accepted"])
    note: str = Field(min_length=1, max_length=500, description="Why", examples=["银行确认首行合计有误，明细无误"])
