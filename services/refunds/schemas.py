"""The wire of refunds: bodies of requests, answers and events, and the problems it answers with. Amounts are fen."""

from collections.abc import Mapping
from datetime import date, datetime
from typing import Annotated, Literal, Self
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, model_validator

from shared.problem import ProblemType
from shared.regions import POOL_PATTERN

from .rules import Act, Hand, State, Step

APPLICATION_UNKNOWN = ProblemType(
    "application_unknown",
    404,
    ("退费申请不存在", "No such application"),
    ("没有退费申请 {application_id}", "There is no application {application_id}"),
)
COLLECTION_UNKNOWN = ProblemType(
    "collection_unknown",
    404,
    ("缴费记录不存在", "No such collection"),
    ("没有缴费记录 {collection_id}，请核对", "There is no collection {collection_id}; check it"),
)
SCHEME_UNKNOWN = ProblemType(
    "scheme_unknown",
    404,
    ("参保政策不存在", "No such scheme"),
    ("统筹区 {pool} 没有已发布的政策 {scheme}", "No scheme {scheme} is published in pool {pool}"),
)
SCHEME_DIFFERS = ProblemType(
    "scheme_differs",
    422,
    ("政策与缴费记录不符", "The scheme is not the collection's"),
    ("该笔缴费属于 {of_collection}，不属于 {scheme}", "The collection belongs to {of_collection}, not to {scheme}"),
)
ALREADY_APPLIED = ProblemType(
    "already_applied",
    409,
    ("已有退费申请", "There is an application already"),
    (
        "该笔缴费已有退费申请 {application_id}（{state_zh}），请继续办理该申请",
        "Application {application_id} ({state}) stands for this collection; go on with that one",
    ),
)
WRONG_STATE = ProblemType(
    "wrong_state",
    409,
    ("申请状态不允许此操作", "Not in this state"),
    ("申请现为“{state_zh}”，不能{act_zh}", "The application is {state}; that does not go with `{act}`"),
)
FOUR_EYES = ProblemType(
    "four_eyes",
    409,
    ("须由他人办理", "Another person must do this"),
    (
        "{subject} 是本申请的{hand_zh}，不能再{step_zh}，须由他人办理",
        "{subject} stands in `{hand}` of this application and may not {step} it; somebody else must",
    ),
)
NOT_DUE = ProblemType(
    "not_due",
    409,
    ("不符合退费条件", "Nothing is due back"),
    (
        "核验有 {count} 项不符，见 errors，只能退回申请（rejected）",
        "{count} condition(s) do not hold, see errors; the application can only be rejected",
    ),
)
PAYOUT_REFUSED = ProblemType(
    "payout_refused",
    409,
    ("未能付款", "The payout was refused"),
    (
        "收付未予办理（{code}）：{detail}。申请已回到待付款，请处理后以新的 Idempotency-Key 再付",
        "Payments refused ({code}): {detail}. The application is approved as before; mend it and pay under a new key",
    ),
)

STATES: Mapping[str, str] = {
    State.REQUESTED: "待核验",
    State.REFUSED: "不予受理",
    State.CHECKED: "待审批",
    State.APPROVED: "待付款",
    State.PAYING: "付款中",
    State.PAID: "已退费",
    State.REJECTED: "不予退费",
}
ACTS: Mapping[str, str] = {
    Act.CONFIRM: "核验通过",
    Act.REJECT: "核验退回",
    Act.APPROVE: "审批同意",
    Act.DECLINE: "审批退回",
    Act.PAY: "付款",
}
STEPS: Mapping[str, str] = {Step.CHECK: "核验", Step.DECIDE: "审批", Step.PAY: "付款"}
HANDS: Mapping[str, str] = {Hand.APPLICANT: "申请受理人", Hand.CHECKER: "核验人", Hand.DECIDER: "审批人"}

PoolField = Annotated[str, Field(pattern=POOL_PATTERN, description="Pooling area (统筹区)", examples=["140522"])]
SchemeField = Annotated[
    str, Field(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$", max_length=60, description="Scheme", examples=["yangcheng-2022"])
]
Note = Annotated[
    str | None,
    Field(
        default=None,
        min_length=1,
        max_length=500,
        description="Remark; required with rejected, for the applicant is told why",
        examples=["与缴费记录一致"],
    ),
]


class Body(BaseModel):
    """A request body: unknown fields are faults."""

    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True)


class Applicant(Body):
    """Who asks for the money."""

    name: str = Field(min_length=1, max_length=100, description="申请人, who receives the money", examples=["王小明"])
    person_id: UUID | None = Field(
        default=None,
        description="The applicant's person_id where known",
        examples=["0192f0c4-7b7a-7c3e-8a55-3f1f7f1b2a02"],
    )


class RefundRequest(Body):
    """Ask for money back."""

    pool: PoolField
    scheme: SchemeField
    collection_id: UUID = Field(
        description="The money, as payments knows it", examples=["0192f0c4-7b7a-7c3e-8a55-3f1f7f1b2a03"]
    )
    ground: str = Field(
        pattern=r"^[a-z]+(_[a-z]+)*$",
        max_length=60,
        description="Why; the scheme says which grounds there are",
        examples=["paid_twice"],
    )
    applicant: Applicant = Field(description="Who asks", examples=[{"name": "王小明", "person_id": None}])
    explanation: str | None = Field(
        default=None, max_length=500, description="In the applicant's words", examples=["两个办税厅各刷了一次卡"]
    )


class _Verdict(Body):
    pool: PoolField
    result: str
    note: Note

    @model_validator(mode="after")
    def _says_why(self) -> Self:
        if self.result == "rejected" and not self.note:
            raise ValueError("`note` is required with rejected: the applicant is told why")
        return self


class CheckResult(_Verdict):
    """核验: whether the money is due back as the applicant says."""

    result: Literal["confirmed", "rejected"] = Field(description="What the check found", examples=["confirmed"])


class Decision(_Verdict):
    """审批: whether the money goes back."""

    result: Literal["approved", "rejected"] = Field(description="What was decided", examples=["approved"])


class Payout(Body):
    """Pay an approved application at an open shift of the person who acts."""

    pool: PoolField
    shift_id: UUID = Field(description="The payer's open shift", examples=["0192f0c4-7b7a-7c3e-8a55-3f1f7f1b2a01"])
    method: Literal["cash", "pos_return"] = Field(description="From the drawer, or back to the card", examples=["cash"])


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
    code: str = Field(description="Code of payments' problem", examples=["shift_closed"])
    detail: str = Field(description="What payments said", examples=["班次已结，请另开班次"])
    paid_by: str = Field(description="Who tried (`sub`)", examples=["clerk-zhao"])
    refused_at: datetime = Field(description="Business instant", examples=["2021-12-06T17:40:00+08:00"])


class Application(BaseModel):
    """退费申请: a case of paying back."""

    pool: PoolField
    application_id: UUID = Field(description="Identifier", examples=["0192f0c4-7b7a-7c3e-8a55-3f1f7f1b2a07"])
    scheme: str = Field(description="Scheme", examples=["yangcheng-2022"])
    collection_id: UUID = Field(description="The money", examples=["0192f0c4-7b7a-7c3e-8a55-3f1f7f1b2a03"])
    bill_no: str = Field(description="The bill it was meant for", examples=["1405227QK3M9Z5T2WB8XCD"])
    person_id: UUID | None = Field(description="Insured person", examples=["0192f0c4-7b7a-7c3e-8a55-3f1f7f1b2a05"])
    region: str = Field(
        description="Place of insurance that the money was booked to (退费地)", examples=["140522108200"]
    )
    ground: str = Field(description="Why it was asked for", examples=["paid_twice"])
    state: State = Field(description="How far it has come", examples=["requested"])
    amount_fen: int = Field(description="Amount asked for, in fen", examples=[32000])
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
    method: str | None = Field(description="cash or pos_return", examples=["cash"])
    paid_by: str | None = Field(description="Who pays it out (`sub`)", examples=["clerk-zhao"])
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


class CollectionSurplus(BaseModel):
    """Payments' `collection.surplus`, as far as refunds reads it."""

    collection_id: UUID
    bill_no: str
    person_id: UUID
    scheme: str
    region: str
    amount_fen: int
    paid_at: datetime
    payer_name: str
    payer_id: UUID | None


class RefundSettled(BaseModel):
    """Payments' `refund.settled`, and its answer to a payout, as far as refunds reads them."""

    refund_id: UUID
    application_id: UUID
    amount_fen: int
    settled_at: datetime


class RefundDecided(BaseModel):
    """Event `refund.decided`: whether money goes back; `refused` by the rules, `rejected` or `approved` by people."""

    application_id: UUID
    collection_id: UUID
    scheme: str
    person_id: UUID | None
    region: str
    ground: str
    amount_fen: int
    outcome: Literal["refused", "rejected", "approved"]
    reasons: list[ReasonOut]
    requested_on: date


class RefundClosed(BaseModel):
    """Event `refund.closed`: the money has gone back."""

    application_id: UUID
    refund_id: UUID
    collection_id: UUID
    scheme: str
    person_id: UUID | None
    region: str
    ground: str
    amount_fen: int
    method: str
    paid_by: str
    paid_at: datetime
    paid_on: date
