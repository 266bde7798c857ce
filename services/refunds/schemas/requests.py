"""Bodies of requests: asking, checking, deciding, paying, sending another way."""

from typing import Annotated, Literal, Self
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, model_validator

from shared.regions import POOL_PATTERN

from ..rules import AT_COUNTER

PoolField = Annotated[str, Field(pattern=POOL_PATTERN, description="Pooling area (统筹区)", examples=["990101"])]
SchemeField = Annotated[
    str, Field(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$", max_length=60, description="Scheme", examples=["example-2031"])
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
    """Pay an approved application: at an open shift of the person who acts, or back through the money's channel."""

    pool: PoolField
    shift_id: UUID | None = Field(
        default=None,
        description="The payer's open shift; with cash and pos_return only",
        examples=["0192f0c4-7b7a-7c3e-8a55-3f1f7f1b2a01"],
    )
    method: Literal["cash", "pos_return", "wechat", "bank", "etax", "treasury"] = Field(
        description="From the drawer, back to the card, back through the channel that the money came by, or from the "
        "treasury where it was posted, to the account recorded with payments (`PUT /v1/refund-accounts/…`)",
        examples=["cash"],
    )

    @model_validator(mode="after")
    def _shift_fits_method(self) -> Self:
        if (self.method in AT_COUNTER) != (self.shift_id is not None):
            raise ValueError("`shift_id` is given with cash and pos_return, and only then")
        return self


class Rerouting(Body):
    """Send the money another way, because its channel could not bring it home."""

    pool: PoolField
    note: str = Field(min_length=1, max_length=500, description="Why", examples=["银行卡已注销，改为窗口现金退付"])
