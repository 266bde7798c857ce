"""The chain of a day: order ↔ channel ↔ bank ↔ treasury."""

from datetime import date
from typing import Literal
from uuid import UUID

from pydantic import BaseModel, Field

from ..rules.reconciling import BreakKind, BreakState, StatementState
from ..rules.settlements import LinkState, SettlementState, Source
from .fields import PoolField

_ID = "0192f0c4-7b7a-7c3e-8a55-3f1f7f1b2a30"
_LINK = "`agreed`, `waiting` (its counterpart may still come), `broken`, or `none` where there is no such link"


class StatementLink(BaseModel):
    """The channel's day statement."""

    state: LinkState = Field(description=_LINK, examples=["agreed"])
    statement_id: UUID | None = Field(description="Statement; null where none has come", examples=[_ID])
    statement_state: StatementState | None = Field(description="Its state", examples=["accepted"])
    amount_fen: int | None = Field(description="Payments that it tells, in fen", examples=[384000])
    back_fen: int | None = Field(description="Reversals and refunds that it tells, in fen", examples=[0])


class MoneyLine(BaseModel):
    """A line of an account that brought money of the day."""

    account: str = Field(description="The account", examples=["special"])
    day: date = Field(description="Day of the line's statement", examples=["2021-12-06"])
    statement_id: UUID = Field(description="The account's statement", examples=[_ID])
    row_no: int = Field(description="Its row", examples=[1])
    reference: str | None = Field(description="The bank's number", examples=["20211206000017"])
    part: Literal["arrived", "fee"] = Field(description="Arrived, or kept by the channel", examples=["arrived"])
    amount_fen: int = Field(description="What of it is for this day, in fen", examples=[384000])


class MoneyLink(BaseModel):
    """Money in the special account."""

    state: LinkState = Field(description=_LINK, examples=["agreed"])
    settlement_state: SettlementState | None = Field(description="How the settlement stands", examples=["arrived"])
    expected_fen: int | None = Field(description="What is owed by the accepted statement, in fen", examples=[384000])
    arrived_fen: int | None = Field(description="What has arrived, in fen", examples=[384000])
    fee_fen: int | None = Field(description="What the channel has kept as its fee, in fen", examples=[0])
    lines: list[MoneyLine] = Field(description="The lines that brought it", examples=[[]])


class TreasuryLink(BaseModel):
    """Posted in the treasury (入库)."""

    state: LinkState = Field(description=_LINK, examples=["waiting"])
    posted_count: int = Field(description="Collections that are posted", examples=[0])
    posted_fen: int = Field(description="What of the day's money is posted, in fen", examples=[0])


class ChainException(BaseModel):
    """An exception that is open on this chain."""

    exception_id: UUID = Field(description="Identifier", examples=[_ID])
    kind: BreakKind = Field(description="What does not fit", examples=["money_missing"])
    kind_words: str = Field(description="The same in words", examples=["资金未到账或金额不符"])
    state: BreakState = Field(description="State", examples=["open"])
    owner: str = Field(description="Who sees to it", examples=["clerk-wang"])
    due_on: date = Field(description="By when", examples=["2021-12-16"])


class Chain(BaseModel):
    """The money of one channel and institution on a day, link by link."""

    channel: Source = Field(description="Channel; `claim`: what another payer paid in", examples=["wechat"])
    institution: str = Field(description="Bank, ledger, slip or claim; empty where there is one", examples=[""])
    collected_count: int = Field(description="Payments in our books", examples=[12])
    collected_fen: int = Field(description="Their sum, in fen", examples=[384000])
    refunded_fen: int = Field(description="What of it was paid back, in fen", examples=[0])
    statement: StatementLink = Field(description="Compared with the channel's day statement", examples=[{}])
    money: MoneyLink = Field(description="Followed to the special account", examples=[{}])
    treasury: TreasuryLink = Field(description="Followed to the treasury", examples=[{}])
    broken_at: Literal["statement", "money", "treasury"] | None = Field(
        description="The first link that is broken; null where none is", examples=[None]
    )
    exceptions: list[ChainException] = Field(description="What is open", examples=[[]])


class DayChain(BaseModel):
    """The chains of a day."""

    pool: PoolField
    day: date = Field(description="The channels' day", examples=["2021-12-05"])
    items: list[Chain] = Field(description="By channel and institution", examples=[[]])
