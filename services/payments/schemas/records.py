"""Payment records (缴费记录): who paid what for whom, and how far the money has come."""

from datetime import date, datetime
from typing import Literal
from uuid import UUID

from pydantic import BaseModel, Field

from shared.codes import Channel

from .fields import PoolField

_ID = "0192f0c4-7b7a-7c3e-8a55-3f1f7f1b2a03"


class PaymentRecord(BaseModel):
    """缴费记录: one payment, with its receipt, its way to the treasury and what went back of it."""

    pool: PoolField
    collection_id: UUID = Field(description="The money", examples=[_ID])
    bill_no: str = Field(description="The bill it was meant for", examples=["9901017QK3M9Z5T2WB8XCD"])
    scheme: str | None = Field(description="Scheme of the bill", examples=["example-2031"])
    person_id: UUID | None = Field(description="Insured person", examples=["0192f0c4-7b7a-7c3e-8a55-3f1f7f1b2a05"])
    person_name_masked: str | None = Field(description="参保人, masked", examples=["李*娃"])
    payer_id: UUID | None = Field(
        description="The payer's person_id, where the payer is known", examples=["0192f0c4-7b7a-7c3e-8a55-3f1f7f1b2a02"]
    )
    payer_name: str = Field(description="缴费人; masked without `persons:full`", examples=["王*明"])
    channel: Channel = Field(description="Where it came in", examples=["wechat"])
    method: str = Field(description="How it was paid", examples=["jsapi"])
    amount_fen: int = Field(description="Amount in fen", examples=[30000])
    outcome: Literal["settled", "surplus", "suspense"] = Field(description="What became of it", examples=["settled"])
    reason: str | None = Field(description="Why it did not settle the bill", examples=[None])
    paid_at: datetime = Field(description="缴费时间", examples=["2021-12-05T10:00:00+08:00"])
    booked_at: datetime = Field(description="When it was booked here", examples=["2021-12-05T10:00:03+08:00"])
    arrived_on: date | None = Field(description="到账: when it was on our account", examples=["2021-12-06"])
    posted_on: date | None = Field(description="入库: when the treasury posted it", examples=["2021-12-08"])
    remitted_on: date | None = Field(description="划转: when the treasury remitted it up", examples=["2021-12-10"])
    stage: Literal["paid", "arrived", "posted", "remitted", "reversed"] = Field(
        description="How far it has come", examples=["posted"]
    )
    voucher_no: str | None = Field(description="Voucher under which it went to the treasury", examples=["V2021120601"])
    receipt_no: str | None = Field(description="Receipt", examples=["TAXHALL01-00000042"])
    receipt_state: Literal["issued", "voided", "offset"] | None = Field(
        description="Whether the receipt counts", examples=["issued"]
    )
    certificate_no: str | None = Field(description="完税证字号 of the tax bureau", examples=["(211)示例证00012345"])
    ticket_no: str | None = Field(description="电子税票号码 of the tax bureau", examples=["399010211200001234"])
    refunded_fen: int = Field(description="Paid back so far, in fen", examples=[0])
    refund_state: str | None = Field(description="State of its last refund", examples=[None])
    reversed_at: datetime | None = Field(description="When the channel took it back", examples=[None])


class PaymentRecordPage(BaseModel):
    """A page of payment records."""

    items: list[PaymentRecord] = Field(description="The latest first", examples=[[]])
    next: str | None = Field(description="Cursor of the next page", examples=[_ID])
