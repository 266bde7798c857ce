"""Bodies of answers: applications and what became of them."""

from datetime import date, datetime
from uuid import UUID

from pydantic import BaseModel, Field

from ..rules import PayoutState, State
from .requests import PoolField


class ReasonOut(BaseModel):
    """One reason why nothing is paid back."""

    code: str = Field(description="Stable code of the reason", examples=["outside_window"])
    detail: str = Field(
        description="The reason in Chinese, to be told on the spot",
        examples=["退费须在集中征缴期内申请（2021-09-01至2021-12-25），申请日为2021-12-28"],
    )
    rules: list[str] = Field(description="Ids of the notice's rules behind it", examples=[["S004-30", "S004-32"]])


class PayoutRefusal(BaseModel):
    """A payout that payments refused; the application went back to approved."""

    refund_id: UUID = Field(description="The payout", examples=["0192f0c4-7b7a-7c3e-8a55-3f1f7f1b2a06"])
    code: str = Field(
        description="Code of payments' problem; refund_failed where the channel did not pay", examples=["shift_closed"]
    )
    detail: str = Field(description="What payments said", examples=["班次已结，请另开班次"])
    paid_by: str = Field(description="Who tried (`sub`)", examples=["clerk-zhao"])
    refused_at: datetime = Field(description="Business instant", examples=["2021-12-06T17:40:00+08:00"])


class Application(BaseModel):
    """退费申请: a case of paying back."""

    pool: PoolField
    application_id: UUID = Field(description="Identifier", examples=["0192f0c4-7b7a-7c3e-8a55-3f1f7f1b2a07"])
    scheme: str = Field(description="Scheme", examples=["example-2031"])
    collection_id: UUID = Field(description="The money", examples=["0192f0c4-7b7a-7c3e-8a55-3f1f7f1b2a03"])
    bill_no: str = Field(description="The bill it was meant for", examples=["9901017QK3M9Z5T2WB8XCD"])
    person_id: UUID | None = Field(description="Insured person", examples=["0192f0c4-7b7a-7c3e-8a55-3f1f7f1b2a05"])
    region: str = Field(
        description="Place of insurance that the money was booked to (退费地)", examples=["990101102203"]
    )
    ground: str = Field(description="Why it was asked for", examples=["paid_twice"])
    cause: str = Field(
        description="What made the money due back: the assessment, or empty where it is the collection itself",
        examples=[""],
    )
    late: bool = Field(
        description="Found by the system after the period in which one may ask: only a person can decide it",
        examples=[False],
    )
    state: State = Field(description="How far it has come", examples=["requested"])
    amount_fen: int = Field(description="Amount asked for, in fen", examples=[30000])
    applicant_name: str = Field(description="申请人", examples=["王小明"])
    applicant_id: UUID | None = Field(
        description="The applicant's person_id", examples=["0192f0c4-7b7a-7c3e-8a55-3f1f7f1b2a02"]
    )
    explanation: str | None = Field(description="In the applicant's words", examples=["两个办税厅各刷了一次卡"])
    reasons: list[ReasonOut] = Field(description="Why nothing is paid back: every reason", examples=[[]])
    requested_on: date = Field(
        description="Day it counts as asked, Asia/Shanghai; of money found by the system the day it was paid",
        examples=["2021-12-05"],
    )
    requested_at: datetime = Field(description="Business instant of recording", examples=["2021-12-05T10:00:03+08:00"])
    requested_by: str = Field(description="Who took it down (`sub`), or `system`", examples=["clerk-wang"])
    checked_by: str | None = Field(description="Who checked (`sub`)", examples=["clerk-li"])
    checked_at: datetime | None = Field(description="Business instant", examples=["2021-12-06T09:30:00+08:00"])
    check_note: str | None = Field(description="Remark of the check", examples=["与缴费记录一致"])
    decided_by: str | None = Field(description="Who decided (`sub`)", examples=["head-chen"])
    decided_at: datetime | None = Field(description="Business instant", examples=["2021-12-07T09:30:00+08:00"])
    decision_note: str | None = Field(description="Remark of the decision", examples=["同意"])
    refund_id: UUID | None = Field(
        description="The payout, known to payments", examples=["0192f0c4-7b7a-7c3e-8a55-3f1f7f1b2a06"]
    )
    shift_id: UUID | None = Field(
        description="Shift that pays it out", examples=["0192f0c4-7b7a-7c3e-8a55-3f1f7f1b2a01"]
    )
    method: str | None = Field(description="cash, pos_return, wechat, bank, etax or treasury", examples=["cash"])
    paid_by: str | None = Field(description="Who pays it out (`sub`)", examples=["clerk-zhao"])
    payout_state: PayoutState | None = Field(
        description="Where the payout stands with its channel; abnormal: it could not be brought home, a person has to"
        " send it another way",
        examples=["processing"],
    )
    rerouted_by: str | None = Field(description="Who sent it another way (`sub`)", examples=[None])
    paying_since: datetime | None = Field(
        description="Since when the outcome of the payout is open; wall time", examples=["2021-12-08T09:00:00+08:00"]
    )
    payout_refusals: list[PayoutRefusal] = Field(description="Payouts that payments refused", examples=[[]])
    paid_at: datetime | None = Field(
        description="Business instant at which it was paid out", examples=["2021-12-08T09:00:00+08:00"]
    )
    version: int = Field(description="Version, also the ETag", examples=[1])


class ApplicationPage(BaseModel):
    """A page of applications."""

    items: list[Application] = Field(description="Applications in the order they were recorded", examples=[[]])
    next: str | None = Field(description="Cursor of the next page", examples=["0192f0c4-7b7a-7c3e-8a55-3f1f7f1b2a07"])


class Summary(BaseModel):
    """What became of the applications of a scheme."""

    requested: int = Field(description="Applications in all, whatever became of them", examples=[14])
    paid: int = Field(description="Paid back", examples=[11])
    refused: int = Field(description="Refused on the spot, or rejected by check or decision", examples=[3])
    amount_fen: int = Field(description="Paid back, in fen", examples=[352000])
