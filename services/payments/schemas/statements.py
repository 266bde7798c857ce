"""Statements of the channels, their rows, and exceptions (breaks)."""

from datetime import date, datetime
from typing import Literal
from uuid import UUID

from pydantic import BaseModel, Field

from ..rules.reconciling import BreakKind, BreakState, LineKind, LineStatus, Resolution, StatementState
from ..rules.settlements import Source
from .fields import BillNo, Body, PoolField

_ID = "0192f0c4-7b7a-7c3e-8a55-3f1f7f1b2a20"

ResultName = Literal[
    "pending",
    "matched",
    "amount_differs",
    "channel_failed",
    "channel_missing",
    "ours_missing",
    "host_missing",
    "both_failed",
    "duplicate",
    "unknown",
    "late",
    "data_differs",
]


class Statement(BaseModel):
    """对账单: what a channel says of one day. A corrected file is a new version of the same day."""

    pool: PoolField
    statement_id: UUID = Field(description="Identifier", examples=[_ID])
    channel: Source = Field(description="Channel; `account`: one of our accounts", examples=["wechat"])
    institution: str = Field(
        description="Bank, acquirer, agent's ledger or account; empty where there is one", examples=[""]
    )
    day: date = Field(description="The channel's day", examples=["2021-12-05"])
    file_version: int = Field(description="1 for the first file of the day", examples=[1])
    layout: str = Field(description="How the file is laid out", examples=["wechat_trade_bill"])
    file_name: str = Field(description="Name of the file", examples=["tradebill-20211205.csv"])
    sha256: str = Field(description="SHA-256 of the bytes, hex", examples=["9f86d081884c7d65"])
    size_bytes: int = Field(description="Size in bytes", examples=[4096])
    state: StatementState = Field(
        description="`received` until it is read; `differs`: its totals are not those of its lines, a second person "
        "accepts or rejects it; `accepted`: it counts; `replaced` by a newer version",
        examples=["accepted"],
    )
    rows_taken: int = Field(description="Lines read so far", examples=[12])
    told_count: int | None = Field(description="Lines, by the file's own totals", examples=[12])
    told_fen: int | None = Field(description="Sum by the file's own totals, in fen", examples=[384000])
    told_back_fen: int | None = Field(description="Refunds by the file's own totals, in fen", examples=[0])
    found_count: int | None = Field(description="Lines found in it", examples=[12])
    found_fen: int | None = Field(description="Sum found in it, in fen", examples=[384000])
    found_back_fen: int | None = Field(description="Refunds found in it, in fen", examples=[0])
    agreed: int = Field(description="Rows on which both sides agree", examples=[11])
    pending: int = Field(description="Rows whose counterpart may still come", examples=[1])
    breaks_open: int = Field(description="Exceptions that wait for somebody", examples=[0])
    received_by: str = Field(description="Who brought it (`sub`)", examples=["clerk-wang"])
    received_at: datetime = Field(description="Business instant", examples=["2021-12-06T10:05:00+08:00"])
    taken_at: datetime | None = Field(description="When it was read to its end", examples=["2021-12-06T10:05:01+08:00"])
    judged_by: str | None = Field(
        description="Who accepted or rejected it; `system` by its totals", examples=["system"]
    )
    judged_at: datetime | None = Field(description="When", examples=["2021-12-06T10:05:01+08:00"])
    note: str | None = Field(description="What was said to that", examples=[None])
    look_on: date | None = Field(description="When it is looked over again; null: nothing is open", examples=[None])
    due_on: date = Field(description="By when it must be accepted or rejected", examples=["2021-12-13"])
    version: int = Field(description="Version, also the ETag", examples=[2])


class StatementPage(BaseModel):
    """A page of statements."""

    items: list[Statement] = Field(description="Statements in the order in which they came", examples=[[]])
    next: str | None = Field(description="Cursor of the next page", examples=[_ID])


class StatementJudgement(Body):
    """A second person's word on a statement whose totals differ."""

    pool: PoolField
    result: Literal["accepted", "rejected"] = Field(description="The word", examples=["accepted"])
    note: str = Field(min_length=1, max_length=500, description="Why", examples=["末尾缺两行，银行次日补发"])


class StatementOrder(Body):
    """Which pool's statement is meant."""

    pool: PoolField


class Match(BaseModel):
    """What of ours a row stands for."""

    kind: Literal["collection", "refund"] = Field(description="Money that came, or went back", examples=["collection"])
    pool: PoolField
    id: UUID = Field(description="The collection or refund", examples=["0192f0c4-7b7a-7c3e-8a55-3f1f7f1b2a03"])
    amount_fen: int = Field(description="Its amount in fen", examples=[30000])
    cleared: bool = Field(description="Whether this moved it to the special account", examples=[True])


class StatementRow(BaseModel):
    """One line of a statement and what it comes to."""

    row_no: int = Field(description="Number among the lines that are rows", examples=[1])
    line_no: int = Field(description="Line of the file", examples=[2])
    text: str = Field(description="The line as it came; identity numbers masked", examples=["`2021-12-05 10:00:00,`…"])
    kind: LineKind = Field(description="Payment, reversal or refund", examples=["payment"])
    status: LineStatus = Field(description="What the channel says became of it", examples=["success"])
    reference: str | None = Field(description="The channel's number", examples=["4200000925202112054297714292"])
    order_no: str | None = Field(description="Order or bill that it names", examples=["9901017QK3M9Z5T2WB8XCD"])
    amount_fen: int | None = Field(description="Amount in fen; null where it cannot be read", examples=[30000])
    paid_at: datetime | None = Field(description="When, by the channel", examples=["2021-12-05T10:00:00+08:00"])
    payer_name: str | None = Field(description="Payer, by the channel", examples=["王小明"])
    faults: list[str] = Field(description="What is wrong with the line, in words", examples=[[]])
    result: ResultName = Field(description="What it comes to", examples=["matched"])
    result_code: int = Field(description="The same as a code, 0…11", examples=[1])
    judged_on: date | None = Field(description="Business day of the last look", examples=["2021-12-06"])
    matches: list[Match] = Field(description="What of ours it stands for", examples=[[]])
    exception_id: UUID | None = Field(description="Its exception", examples=[None])
    exception_state: BreakState | None = Field(description="State of its exception", examples=[None])


class StatementRowPage(BaseModel):
    """A page of rows."""

    items: list[StatementRow] = Field(description="Rows by number", examples=[[]])
    next: str | None = Field(description="Cursor of the next page", examples=["500"])


class StatementException(BaseModel):
    """差错: something that does not fit, until one person has proposed what to do and another has approved it."""

    pool: PoolField
    exception_id: UUID = Field(description="Identifier", examples=[_ID])
    kind: BreakKind = Field(description="What does not fit", examples=["ours_missing"])
    kind_words: str = Field(description="The same in words", examples=["渠道成功，我方无或已冲正（长款）"])
    channel: Source = Field(
        description="Channel; `account`: a line of our account, `claim`, `treasury`", examples=["wechat"]
    )
    institution: str = Field(description="Bank, acquirer, ledger, account, slip, claim or voucher", examples=[""])
    day: date = Field(description="The channel's day", examples=["2021-12-05"])
    statement_id: UUID | None = Field(description="Statement; null where none has come", examples=[_ID])
    row_no: int | None = Field(description="Its row; null where the money stands in none", examples=[3])
    line_no: int | None = Field(description="Line of the file", examples=[4])
    text: str | None = Field(description="The line; identity numbers masked", examples=[None])
    reference: str | None = Field(description="The channel's number", examples=["4200000925202112054297714292"])
    order_no: str | None = Field(description="Order or bill that the line names", examples=[None])
    collection_id: UUID | None = Field(description="Our money", examples=[None])
    channel_fen: int | None = Field(description="What the channel says, in fen", examples=[30000])
    our_fen: int | None = Field(description="What we have, in fen", examples=[None])
    owner: str = Field(description="Who sees to it", examples=["clerk-wang"])
    state: BreakState = Field(description="State", examples=["open"])
    possible: list[Resolution] = Field(description="What can be proposed", examples=[["book", "ignore", "wait"]])
    opened_on: date = Field(description="Business day", examples=["2021-12-09"])
    due_on: date = Field(description="By when it is to be resolved; after it, it is an alarm", examples=["2021-12-16"])
    overdue: bool = Field(description="Whether that day is over", examples=[False])
    resolution: Resolution | None = Field(description="What is proposed, or was done", examples=[None])
    reason: str | None = Field(description="Why", examples=[None])
    bill_no: str | None = Field(description="The bill that the money is to be booked for", examples=[None])
    proposed_by: str | None = Field(description="Who proposed (`sub`)", examples=[None])
    proposed_at: datetime | None = Field(description="When", examples=[None])
    approved_by: str | None = Field(description="Who approved (`sub`)", examples=[None])
    approved_at: datetime | None = Field(description="When", examples=[None])
    answer: str | None = Field(description="What the second person said to the last proposal", examples=[None])
    booked_id: UUID | None = Field(description="The collection that was booked", examples=[None])
    version: int = Field(description="Version, also the ETag", examples=[1])


class StatementExceptionPage(BaseModel):
    """A page of exceptions."""

    items: list[StatementException] = Field(description="In the order in which they were opened", examples=[[]])
    next: str | None = Field(description="Cursor of the next page", examples=[_ID])


class ResolutionProposal(Body):
    """What is to be done about an exception."""

    pool: PoolField
    resolution: Resolution = Field(
        description="`book`: the money has come, settle it; `reverse`: it has not come, take back what we booked; "
        "`correct`: another amount has come; `confirm`: it is the same money; `suspend`: what is short or over on its "
        "way stands in suspense until it is explained; `ignore`; `wait`: look again later",
        examples=["book"],
    )
    reason: str = Field(min_length=1, max_length=500, description="Why", examples=["微信已到账，通知未送达"])
    bill_no: BillNo | None = Field(
        default=None, description="With `book` and `correct`: the bill, where the line names none", examples=[None]
    )


class ResolutionApproval(Body):
    """A second person's word on a proposal; approved, it takes effect at once."""

    pool: PoolField
    result: Literal["approved", "returned"] = Field(description="The word", examples=["approved"])
    note: str | None = Field(default=None, max_length=500, description="Why", examples=["已核对微信商户平台"])


class ReconciliationFigures(BaseModel):
    """How far a pool's statements are reconciled; replaced and rejected files do not count."""

    statements: int = Field(description="Statements", examples=[120])
    lines: int = Field(description="Their lines", examples=[4100])
    matched: int = Field(description="Lines on which both sides agree", examples=[4096])
    exceptions_opened: int = Field(description="Exceptions ever opened", examples=[4])
    exceptions_open: int = Field(description="Exceptions still without an end", examples=[0])
    statements_due: int = Field(description="Statements still to be read, or to be looked over today", examples=[0])
