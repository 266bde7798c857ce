"""An agent's cash-book."""

from datetime import date

from pydantic import BaseModel, Field


class CashDay(BaseModel):
    """One day of an agent's cash-book."""

    day: date = Field(description="When the agent took it, or the day of the bank's slip", examples=["2021-12-05"])
    cash_fen: int = Field(description="Taken in cash, in fen", examples=[96000])
    electronic_fen: int = Field(description="Taken on the agent's code or account, in fen", examples=[320000])
    taken_back_fen: int = Field(description="Given back by contrary lines, in fen", examples=[30000])
    handed_over_fen: int = Field(description="Handed over on confirmed slips, in fen", examples=[0])
    balance_fen: int = Field(description="Held at the end of the day, in fen", examples=[384000])


class CashBook(BaseModel):
    """代收现金日记账: what an agent took, handed over and holds, over all of the agent's ledgers."""

    agent: str = Field(description="The agent (`sub`)", examples=["agent-zhang"])
    opening_fen: int = Field(description="Held before the first day shown, in fen", examples=[0])
    items: list[CashDay] = Field(description="Days on which money moved", examples=[[]])
    closing_fen: int = Field(description="Held after the last day shown, in fen", examples=[384000])
