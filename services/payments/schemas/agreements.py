"""Agreements to withhold (代扣协议)."""

from datetime import date, datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import BaseModel, Field

from ..rules.withholding import AgreementState
from .fields import Body, PoolField, RegionField

_ID = "0192f0c4-7b7a-7c3e-8a55-3f1f7f1b2a30"
_PERSON = "0192f0c4-7b7a-7c3e-8a55-3f1f7f1b2a05"

Institution = Annotated[
    str, Field(pattern=r"^[0-9A-Za-z_.-]{1,40}$", description="The bank's code", examples=["RCB990101"])
]
AgreementNo = Annotated[
    str,
    Field(pattern=r"^[0-9A-Za-z-]{1,60}$", description="Number of the agreement with its bank", examples=["P00000001"]),
]


class AgreementTerms(Body):
    """What a payer has signed: which account pays for whom."""

    region: RegionField
    institution: Institution
    agreement_no: AgreementNo
    payer_name: str = Field(
        min_length=1,
        max_length=60,
        pattern=r"^[^\x00-\x1f\x7f|]+$",
        description="Name of the account's holder",
        examples=["王小明"],
    )
    payer_id: UUID | None = Field(default=None, description="The payer's person_id, where known", examples=[_PERSON])
    account: str = Field(
        pattern=r"^[0-9]{6,32}$",
        description="Account or card number; kept sealed, answered masked",
        examples=["6222000000000000001"],
    )
    person_ids: list[UUID] = Field(
        min_length=1, max_length=50, description="The insured persons it pays for", examples=[[_PERSON]]
    )
    signed_on: date = Field(description="Day of the signature", examples=["2031-08-20"])
    valid_until: date | None = Field(default=None, description="Last day; null: until withdrawn", examples=[None])


class AgreementOrder(AgreementTerms):
    """An agreement to record."""

    pool: PoolField


class AgreementBatch(Body):
    """Many agreements at once, as a bank or a village hands them in."""

    pool: PoolField
    items: list[AgreementTerms] = Field(
        min_length=1, max_length=1_000, description="Agreements, each judged by itself", examples=[[]]
    )


class AgreementWithdrawal(Body):
    """The payer takes the permission back."""

    pool: PoolField
    note: str | None = Field(default=None, max_length=500, description="Why", examples=["本人申请"])


class Agreement(BaseModel):
    """代扣协议: the payer's permission to debit an account for these persons' premiums."""

    pool: PoolField
    agreement_id: UUID = Field(description="Identifier", examples=[_ID])
    region: str = Field(description="Where it was recorded", examples=["990101102"])
    institution: Institution
    agreement_no: AgreementNo
    payer_name: str = Field(description="The account's holder; masked without `persons:full`", examples=["王*明"])
    payer_id: UUID | None = Field(description="The payer's person_id", examples=[None])
    account_masked: str = Field(description="Last digits of the account", examples=["***************0001"])
    person_ids: list[UUID] = Field(description="The insured persons it pays for", examples=[[_PERSON]])
    signed_on: date = Field(description="Day of the signature", examples=["2031-08-20"])
    valid_until: date | None = Field(description="Last day; null: until withdrawn", examples=[None])
    state: AgreementState = Field(description="State", examples=["valid"])
    recorded_by: str = Field(description="Who recorded it (`sub`)", examples=["clerk-wang"])
    recorded_at: datetime = Field(description="Business instant", examples=["2031-08-20T10:00:00+08:00"])
    withdrawn_by: str | None = Field(description="Who recorded the withdrawal (`sub`)", examples=[None])
    withdrawn_at: datetime | None = Field(description="Business instant", examples=[None])
    note: str | None = Field(description="What was said to the withdrawal", examples=[None])
    version: int = Field(description="Version, also the ETag", examples=[1])


class AgreementPage(BaseModel):
    """A page of agreements."""

    items: list[Agreement] = Field(description="In the order in which they were recorded", examples=[[]])
    next: str | None = Field(description="Cursor of the next page", examples=[_ID])


AgreementFault = Literal["number_taken", "person_has_agreement", "bank_unknown", "already_over", "signed_ahead"]


class AgreementResult(BaseModel):
    """What became of one item of a batch."""

    agreement_no: AgreementNo
    outcome: Literal["recorded", "known", "refused"] = Field(
        description="`known`: recorded before with the same content", examples=["recorded"]
    )
    agreement_id: UUID | None = Field(description="Its agreement; null where refused", examples=[_ID])
    reason: AgreementFault | None = Field(description="Why it was refused", examples=[None])
    detail: str = Field(description="The same in words, and what to do", examples=[""])


class AgreementBatchAnswer(BaseModel):
    """What became of each item, in their order."""

    items: list[AgreementResult] = Field(description="Results", examples=[[]])
