"""Bills and their payer lines."""

from datetime import date, datetime
from typing import Literal
from uuid import UUID

from pydantic import BaseModel, Field

from shared.codes import Payer

from .fields import BillNo, PoolField, RegionField


class Line(BaseModel):
    """Who pays which part."""

    payer: Payer = Field(description="Who pays", examples=["medical_assistance_fund"])
    amount_fen: int = Field(description="Amount in fen", examples=[27000])
    status: str | None = Field(description="The status that the help rests on", examples=["dibao"])
    rules: list[str] = Field(description="Rule ids", examples=[["S004-14", "S004-15"]])


class Bill(BaseModel):
    """应缴单: copy of an assessment, against which money is taken."""

    bill_no: BillNo
    pool: PoolField
    assessment_id: UUID = Field(description="The assessment", examples=["0192f0c4-7b7a-7c3e-8a55-3f1f7f1b2a04"])
    scheme: str = Field(description="Scheme", examples=["example-2031"])
    person_id: UUID = Field(description="The insured person", examples=["0192f0c4-7b7a-7c3e-8a55-3f1f7f1b2a05"])
    unit_code: str = Field(description="Unit that gathered the person", examples=["V990101102203"])
    region: RegionField
    standard_fen: int = Field(description="The whole that is due, in fen", examples=[30000])
    amount_fen: int = Field(description="The person's own part, in fen", examples=[3000])
    lines: list[Line] = Field(
        description="Who pays which part",
        examples=[[{"payer": "person", "amount_fen": 3000, "status": None, "rules": ["S004-09"]}]],
    )
    status: Literal["open", "paid", "voided"] = Field(description="State", examples=["open"])
    issued_at: datetime = Field(description="When it was assessed", examples=["2021-09-02T09:00:00+08:00"])
    paid_on: date | None = Field(description="Day of payment, Asia/Shanghai", examples=["2021-12-05"])
    replaces: str | None = Field(description="The bill that this one took the place of", examples=[None])
    voided_at: datetime | None = Field(description="When it was voided", examples=[None])
    void_reason: str | None = Field(description="Why it was voided", examples=["assessment_revised"])
    version: int = Field(description="Version, also the ETag", examples=[1])


class BillPage(BaseModel):
    """A page of bills."""

    items: list[Bill] = Field(description="Bills by number", examples=[[]])
    next: str | None = Field(description="Cursor of the next page", examples=["9901017QK3M9Z5T2WB8XCD"])
