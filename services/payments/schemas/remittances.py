"""Remittance (上解): slips with what stands in them, who holds money too long, receipts of claims."""

from datetime import date, datetime
from enum import StrEnum
from typing import Annotated, Literal, Self
from uuid import UUID

from pydantic import BaseModel, Field, model_validator

from .fields import Body, PoolField, PositiveFen, RegionField

_ID = "0192f0c4-7b7a-7c3e-8a55-3f1f7f1b2a09"
_AGENT_ACCOUNT = "held/agent/0192f0c4-7b7a-7c3e-8a55-3f1f7f1b2a08"
_UUID = r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"
_MOST = 10_000

BankReference = Annotated[
    str, Field(min_length=1, max_length=64, description="Number of the bank's slip", examples=["ABC-20211206-0017"])
]


class SlipOrder(Body):
    """Hand money over: an agent to the town or to the special account, a town or a counter to the special account.

    A receipt stands in one slip only, and a slip in one further slip only; the total is that of what stands in it.
    """

    pool: PoolField
    from_account: str = Field(
        pattern=rf"^held/(agent/{_UUID}|town/[1-9][0-9]{{8}}|counter/[A-Z0-9]{{2,20}})$",
        description="Held account of an agent's ledger, of a town or of a counter, as GET /v1/accounts shows it",
        examples=[_AGENT_ACCOUNT],
    )
    to: Literal["town", "special_account"] = Field(description="Who receives it", examples=["town"])
    receipts: list[str] = Field(
        default_factory=list,
        max_length=_MOST,
        description="Receipts of an agent's ledger; those of surplus money stand in a slip like the others",
        examples=[["V200-00000001"]],
    )
    collections: list[UUID] = Field(
        default_factory=list,
        max_length=_MOST,
        description="Money of an agent's ledger that has no receipt because it is in suspense",
        examples=[[]],
    )
    slips: list[UUID] = Field(
        default_factory=list, max_length=_MOST, description="Confirmed slips that a town hands on", examples=[[]]
    )
    shifts: list[UUID] = Field(
        default_factory=list,
        max_length=_MOST,
        description="Closed shifts of a counter whose cash was brought to the bank, each whole",
        examples=[[]],
    )
    total_fen: PositiveFen
    interest_fen: int = Field(
        default=0,
        ge=0,
        le=10**12,
        description="Interest that the bank paid on it, handed over with it and accounted apart, in fen (S000-44)",
        examples=[0],
    )
    paid_on: date = Field(description="Day of the bank's slip", examples=["2021-12-06"])
    bank_reference: BankReference

    @model_validator(mode="after")
    def _parts_fit_holder(self) -> Self:
        own, further = [*self.receipts, *self.collections], [*self.slips, *self.shifts]
        if self.from_account.startswith("held/town/"):
            if own or self.shifts or not self.slips or self.to != "special_account":
                raise ValueError("a town hands `slips` on, to the special account")
        elif self.from_account.startswith("held/counter/"):
            if own or self.slips or not self.shifts or self.to != "special_account":
                raise ValueError("a counter deposits the cash of `shifts`, to the special account")
        elif further or not own:
            raise ValueError("an agent hands over `receipts` or `collections`")
        if self.interest_fen and self.to == "town":
            raise ValueError("interest is handed to the special account")
        if len({*own, *further}) != len(own) + len(further):
            raise ValueError("something stands in the slip twice")
        return self


class Check(Body):
    """A second person has looked: the money is there, or it is not."""

    pool: PoolField
    result: Literal["confirmed", "rejected"] = Field(description="What was found", examples=["confirmed"])
    note: str | None = Field(default=None, max_length=500, description="Why; needed to reject", examples=["银行已到账"])

    @model_validator(mode="after")
    def _rejection_has_its_reason(self) -> Self:
        if self.result == "rejected" and not self.note:
            raise ValueError("`note` says why something is rejected")
        return self


class Slip(BaseModel):
    """缴款单."""

    pool: PoolField
    remittance_id: UUID = Field(description="Identifier", examples=[_ID])
    from_account: str = Field(description="Who hands it over", examples=[_AGENT_ACCOUNT])
    to_account: str = Field(description="Who receives it", examples=["held/town/990101102"])
    ledger_id: UUID | None = Field(description="The agent's ledger; null for others", examples=[_ID])
    region: RegionField
    items_count: int = Field(description="Receipts, collections, slips or shifts in it", examples=[120])
    total_fen: int = Field(description="What they come to, in fen", examples=[3840000])
    interest_fen: int = Field(description="Interest handed over with it, in fen", examples=[0])
    paid_on: date = Field(description="Day of the bank's slip", examples=["2021-12-06"])
    bank_reference: str = Field(description="Number of the bank's slip", examples=["ABC-20211206-0017"])
    status: Literal["submitted", "confirmed", "rejected"] = Field(
        description="`confirmed`: the money has moved; `rejected`: what stood in it is free again",
        examples=["submitted"],
    )
    submitted_by: str = Field(description="Who wrote it (`sub`)", examples=["agent-zhang"])
    submitted_at: datetime = Field(description="Business instant", examples=["2021-12-06T09:00:00+08:00"])
    checked_by: str | None = Field(description="Who checked it (`sub`)", examples=["town-finance-wu"])
    checked_at: datetime | None = Field(description="Business instant", examples=["2021-12-06T15:00:00+08:00"])
    note: str | None = Field(description="Note of the check", examples=["银行已到账"])
    version: int = Field(description="Version, also the ETag", examples=[1])


class SlipPage(BaseModel):
    """A page of slips."""

    items: list[Slip] = Field(description="Slips in the order in which they were written", examples=[[]])
    next: str | None = Field(description="Cursor of the next page", examples=[_ID])


class SlipItem(BaseModel):
    """What stands in a slip: a receipt or collection of an agent, or a slip that a town hands on."""

    item_id: UUID = Field(description="collection_id, or remittance_id of the slip", examples=[_ID])
    receipt_no: str | None = Field(description="Receipt", examples=["V200-00000001"])
    amount_fen: int = Field(description="In fen", examples=[30000])


class SlipItemPage(BaseModel):
    """A page of what stands in a slip."""

    items: list[SlipItem] = Field(description="By identifier", examples=[[]])
    next: str | None = Field(description="Cursor of the next page", examples=[_ID])


class Overdue(BaseModel):
    """Somebody who holds money longer than allowed (S002-32)."""

    account: str = Field(description="The held account", examples=[_AGENT_ACCOUNT])
    holder: Literal["agent", "town", "shift", "counter"] = Field(description="Who holds it", examples=["agent"])
    held_by: str | None = Field(description="Agent or clerk (`sub`)", examples=["agent-zhang"])
    agency_name: str | None = Field(description="代办机构", examples=["沟底村委会"])
    unit_code: str | None = Field(description="Unit or counter", examples=["V200"])
    region: RegionField
    held_since: datetime = Field(
        description="Since when the oldest of it is held", examples=["2021-11-01T10:00:00+08:00"]
    )
    days: int = Field(description="Days since then", examples=[35])
    overdue_fen: int = Field(description="Held longer than allowed, in fen", examples=[64000])
    held_fen: int = Field(description="Held in all, in fen", examples=[96000])
    submitted_fen: int = Field(description="Of it on slips that wait to be confirmed, in fen", examples=[0])
    persons: int = Field(description="Insured persons whose money is overdue", examples=[2])


class OverduePage(BaseModel):
    """A page of holders."""

    allowed_days: int = Field(description="Days for which money may be held", examples=[7])
    items: list[Overdue] = Field(description="By account", examples=[[]])
    next: str | None = Field(description="Cursor of the next page", examples=[_AGENT_ACCOUNT])


class OtherPayer(StrEnum):
    """Who owes something besides the person: the payers of the contract, the person left out."""

    MEDICAL_ASSISTANCE_FUND = "medical_assistance_fund"
    COUNTY_FINANCE = "county_finance"
    DISTRICT_FINANCE = "district_finance"
    CITY_FINANCE = "city_finance"
    PROVINCE_FINANCE = "province_finance"
    ORIGINAL_CHANNEL = "original_channel"
    ARMED_POLICE_FORCE = "armed_police_force"
    COLLECTIVE = "collective"
    FISCAL = "fiscal"


class ClaimReceiptOrder(Body):
    """Money of another payer has come into the special account, for its lines of settled bills."""

    pool: PoolField
    payer: OtherPayer = Field(description="Who paid", examples=["medical_assistance_fund"])
    amount_fen: PositiveFen
    received_on: date = Field(description="Day of the bank's slip", examples=["2021-12-20"])
    bank_reference: BankReference


class ClaimReceipt(BaseModel):
    """Money received on a claim."""

    pool: PoolField
    claim_receipt_id: UUID = Field(description="Identifier", examples=[_ID])
    payer: str = Field(description="Who paid", examples=["medical_assistance_fund"])
    amount_fen: int = Field(description="In fen", examples=[2800000])
    due_fen: int | None = Field(description="What was due when it was confirmed, in fen", examples=[2800000])
    received_on: date = Field(description="Day of the bank's slip", examples=["2021-12-20"])
    bank_reference: str = Field(description="Number of the bank's slip", examples=["ABC-20211220-0002"])
    status: Literal["submitted", "confirmed", "rejected"] = Field(
        description="`confirmed`: posted to the special account", examples=["submitted"]
    )
    submitted_by: str = Field(description="Who wrote it (`sub`)", examples=["finance-qian"])
    submitted_at: datetime = Field(description="Business instant", examples=["2021-12-20T09:00:00+08:00"])
    checked_by: str | None = Field(description="Who checked it (`sub`)", examples=["finance-sun"])
    checked_at: datetime | None = Field(description="Business instant", examples=["2021-12-20T15:00:00+08:00"])
    note: str | None = Field(description="Note of the check", examples=[None])
    version: int = Field(description="Version, also the ETag", examples=[1])


class ClaimReceiptPage(BaseModel):
    """A page of money received on claims."""

    items: list[ClaimReceipt] = Field(description="In the order in which it was written down", examples=[[]])
    next: str | None = Field(description="Cursor of the next page", examples=[_ID])


class Claim(BaseModel):
    """What another payer owes (S004-15, S004-16)."""

    payer: str = Field(description="Who owes it", examples=["medical_assistance_fund"])
    claimed_fen: int = Field(description="For its lines of the bills that are settled, in fen", examples=[2800000])
    received_fen: int = Field(description="Received of it, in fen", examples=[0])
    due_fen: int = Field(description="Still due, in fen; negative where more came than is due now", examples=[2800000])


class Claims(BaseModel):
    """The claims of a pool on other payers."""

    items: list[Claim] = Field(description="One entry per payer", examples=[[]])
