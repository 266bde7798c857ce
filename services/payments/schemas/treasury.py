"""The treasury's packages, vouchers for many people, what was remitted up, and the accounts of treasury refunds."""

from datetime import date, datetime
from typing import Annotated, Literal, Self
from uuid import UUID

from pydantic import BaseModel, Field, model_validator

from shared.codes import Channel

from ..rules.treasury import Message, PackageState, RefundPackageState, VoucherResult
from .fields import Body, PoolField, PositiveFen

_ID = "0192f0c4-7b7a-7c3e-8a55-3f1f7f1b2a30"
_AT = "2021-12-07T10:00:00+08:00"

VoucherNo = Annotated[
    str,
    Field(
        pattern=r"^[0-9A-Za-z._-]{1,64}$",
        description="Number of the voucher (税票号码); text, as the treasury prints it",
        examples=["399010161000000001"],
    ),
]
Office = Annotated[
    str, Field(pattern=r"^[0-9]{1,12}$", description="Collecting office (TaxOrgCode)", examples=["19901010000"])
]
Reason = Annotated[str, Field(min_length=1, max_length=500, description="Why", examples=["凭证号录入有误"])]


class TreasuryPackage(BaseModel):
    """国库报文包: one message of a day, whole or not yet. Sent again it is a new issue and replaces the one before."""

    pool: PoolField
    package_id: UUID = Field(description="Identifier", examples=[_ID])
    message_no: Message = Field(
        description="3126 posted items · 3122 check of vouchers · 3123 check of refunds · 9110 answer to refunds",
        examples=["3126"],
    )
    office: str = Field(description="Collecting office (TaxOrgCode)", examples=["19901010000"])
    day: date = Field(description="The treasury's day", examples=["2021-12-06"])
    pack_no: str = Field(description="The treasury's number of the package", examples=["00000001"])
    issue: int = Field(description="1 for the first time that this package came", examples=[1])
    parts: int = Field(description="Parts that it consists of", examples=[2])
    parts_arrived: list[int] = Field(description="Parts that have come", examples=[[1]])
    told_count: int = Field(description="Lines, by its own figures", examples=[1001])
    told_fen: int | None = Field(description="Sum by its own figures; null where it names none", examples=[None])
    found_count: int = Field(description="Lines that have come", examples=[1000])
    found_fen: int = Field(description="Their sum in fen", examples=[32000000])
    state: PackageState = Field(
        description="`incomplete` until every part is there; `differs`: its lines are not those of its own figures, it "
        "is to be sent again; `accepted`: it counts; `replaced` by a later one",
        examples=["incomplete"],
    )
    received_at: datetime = Field(description="When its first part came", examples=[_AT])
    version: int = Field(description="Version", examples=[2])


class TreasuryPackagePage(BaseModel):
    """A page of packages."""

    items: list[TreasuryPackage] = Field(description="In the order in which they began", examples=[[]])
    next: str | None = Field(description="Cursor of the next page", examples=[_ID])


class VoucherState(BaseModel):
    """A voucher as the treasury and our books have it."""

    voucher_no: str = Field(description="Number of the voucher", examples=["399010161000000001"])
    result: VoucherResult | None = Field(
        description="What both sides come to; null while the treasury still has time", examples=["matched"]
    )
    treasury_fen: int | None = Field(description="Posted under it; null: nothing yet", examples=[64000])
    our_fen: int | None = Field(description="Our money under it; null: none", examples=[64000])
    collections_count: int = Field(description="Payments of ours under it", examples=[2])
    channels: str | None = Field(description="Their channels", examples=["etax"])
    office: str | None = Field(description="Office that it was posted for", examples=["19901010000"])
    posted_on: date | None = Field(description="入库日期: when it was posted", examples=["2021-12-06"])


class VoucherStatePage(BaseModel):
    """A page of vouchers."""

    items: list[VoucherState] = Field(description="By number", examples=[[]])
    next: str | None = Field(description="Cursor of the next page", examples=["399010161000000001"])


class Covers(Body):
    """Whose money a voucher covers: one of the four. Only what is under no voucher counts, reversed money does not."""

    collection_ids: list[UUID] | None = Field(
        default=None, min_length=1, max_length=10_000, description="These payments, all of them", examples=[[_ID]]
    )
    remittance_id: UUID | None = Field(default=None, description="What a confirmed slip lists", examples=[_ID])
    ledger_id: UUID | None = Field(default=None, description="What an agent's ledger lists", examples=[_ID])
    channel: Channel | None = Field(default=None, description="With `day`: a channel's money", examples=["bank"])
    institution: str = Field(default="", max_length=40, description="With `channel`: of this bank", examples=["RCB"])
    day: date | None = Field(default=None, description="With `channel`: paid on this day", examples=["2021-12-05"])

    @model_validator(mode="after")
    def _names_one(self) -> Self:
        named = [self.collection_ids, self.remittance_id, self.ledger_id, self.channel]
        if sum(one is not None for one in named) != 1 or (self.channel is None) != (self.day is None):
            raise ValueError("one of `collection_ids`, `remittance_id`, `ledger_id`, or `channel` with `day`")
        return self


class VoucherOrder(Body):
    """One voucher for many people: money of other channels that was handed to the treasury in one sum."""

    pool: PoolField
    voucher_no: VoucherNo
    amount_fen: PositiveFen
    handed_on: date = Field(description="划缴日期: when it was handed over", examples=["2021-12-06"])
    covers: Covers = Field(description="Whose money it is", examples=[{"channel": "bank", "day": "2021-12-05"}])


class Voucher(BaseModel):
    """A voucher that the agency recorded."""

    pool: PoolField
    voucher_id: UUID = Field(description="Identifier", examples=[_ID])
    voucher_no: str = Field(description="Number of the voucher", examples=["399010161000000001"])
    amount_fen: int = Field(description="Amount in fen", examples=[64000])
    collections_count: int = Field(description="Payments under it", examples=[2])
    handed_on: date = Field(description="When it was handed over", examples=["2021-12-06"])
    recorded_by: str = Field(description="Who recorded it (`sub`)", examples=["clerk-wang"])
    recorded_at: datetime = Field(description="When", examples=[_AT])
    withdrawn_by: str | None = Field(description="Who withdrew it (`sub`)", examples=[None])
    withdrawn_at: datetime | None = Field(description="When", examples=[None])
    withdraw_reason: str | None = Field(description="Why", examples=[None])
    version: int = Field(description="Version", examples=[1])


class Withdrawal(Body):
    """Take a record back that should not have been made."""

    pool: PoolField
    reason: Reason


class RemittedOrder(Body):
    """上解: what an office's day came to, remitted up to the fund."""

    pool: PoolField
    office: Office
    posted_on: date = Field(description="入库日期: the day that was posted", examples=["2021-12-06"])
    remitted_on: date = Field(description="When it was remitted up", examples=["2021-12-10"])
    amount_fen: PositiveFen
    document_no: str = Field(min_length=1, max_length=64, description="Number of the document", examples=["SJ20211210"])

    @model_validator(mode="after")
    def _after_posting(self) -> Self:
        if self.remitted_on < self.posted_on:
            raise ValueError("`remitted_on` is not before `posted_on`")
        return self


class Remitted(BaseModel):
    """A record of what was remitted up."""

    pool: PoolField
    remitted_id: UUID = Field(description="Identifier", examples=[_ID])
    office: str = Field(description="Collecting office", examples=["19901010000"])
    posted_on: date = Field(description="The day that was posted", examples=["2021-12-06"])
    remitted_on: date = Field(description="When it was remitted up", examples=["2021-12-10"])
    amount_fen: int = Field(description="Amount in fen", examples=[64000])
    document_no: str = Field(description="Number of the document", examples=["SJ20211210"])
    recorded_by: str = Field(description="Who recorded it (`sub`)", examples=["clerk-wang"])
    recorded_at: datetime = Field(description="When", examples=[_AT])
    withdrawn_by: str | None = Field(description="Who withdrew it (`sub`)", examples=[None])
    withdrawn_at: datetime | None = Field(description="When", examples=[None])
    withdraw_reason: str | None = Field(description="Why", examples=[None])


class RefundAccountOrder(Body):
    """The bank account to which the treasury pays a refund back. It is sealed, and shown by its last digits."""

    pool: PoolField
    payee_name: str = Field(min_length=1, max_length=60, description="Name of the account", examples=["王小明"])
    account: str = Field(
        pattern=r"^[0-9]{6,32}$", description="Number of the account", examples=["6222000000000000001"]
    )
    bank_no: str = Field(pattern=r"^[0-9]{12}$", description="Number of the bank (行号)", examples=["102557000015"])
    opening_bank_no: str | None = Field(
        default=None,
        pattern=r"^[0-9]{12}$",
        description="Number of the branch; as `bank_no` where left out",
        examples=["102557000015"],
    )


class RefundAccountConfirmation(Body):
    """A second person has compared the account with the payee's papers; `If-Match` names the account they saw."""

    pool: PoolField


class RefundAccount(BaseModel):
    """A recorded account, as far as it is shown."""

    pool: PoolField
    application_id: UUID = Field(description="The application", examples=[_ID])
    payee_name: str = Field(description="Name of the account, masked", examples=["王**"])
    account_end: str = Field(description="Last four digits", examples=["0001"])
    bank_no: str = Field(description="Number of the bank", examples=["102557000015"])
    recorded_by: str = Field(description="Who recorded it (`sub`)", examples=["clerk-wang"])
    recorded_at: datetime = Field(description="When", examples=[_AT])
    confirmed_by: str | None = Field(
        description="Who confirmed it (`sub`); null: nobody yet, and nothing is paid to it", examples=["checker-liu"]
    )
    confirmed_at: datetime | None = Field(description="When", examples=[_AT])
    version: int = Field(description="Version", examples=[1])


class RefundPackage(BaseModel):
    """退库包 (1104): refunds that the treasury is asked for together. The same numbers in every try."""

    pool: PoolField
    refund_package_id: UUID = Field(description="Identifier", examples=[_ID])
    office: str = Field(description="Collecting office (TaxOrgCode)", examples=["19901010000"])
    entrust_date: date = Field(description="Day of the package", examples=["2021-12-08"])
    pack_no: str = Field(description="Our number of it", examples=["00000001"])
    items_count: int = Field(description="Refunds in it (AllNum)", examples=[2])
    total_fen: int = Field(description="Their sum in fen (AllAmt)", examples=[64000])
    state: RefundPackageState = Field(
        description="`built`: to be sent; `sent`: the treasury has it; `answered` line by line; `refused` as a whole",
        examples=["sent"],
    )
    detail: str | None = Field(description="What the treasury said last", examples=[None])
    built_at: datetime = Field(description="When", examples=[_AT])
    version: int = Field(description="Version", examples=[2])


class RefundPackagePage(BaseModel):
    """A page of packages of refunds."""

    items: list[RefundPackage] = Field(description="In the order in which they were built", examples=[[]])
    next: str | None = Field(description="Cursor of the next page", examples=[_ID])


class CollectionDifferenceItem(BaseModel):
    """A voucher on which the treasury's day check (3122) and our books disagree, many to one."""

    kind: Literal["amount_differs", "ours_missing", "treasury_missing"] = Field(
        description="Another sum; collected by the treasury alone; collected in our books alone, or failed there",
        examples=["treasury_missing"],
    )
    voucher_no: str = Field(description="The voucher (OriTaxVouNo)", examples=["399010161000000001"])
    day: date = Field(
        description="Day of the last check that names it, else the day on which its money was paid or handed over",
        examples=["2021-12-06"],
    )
    treasury_fen: int | None = Field(description="Sum by the treasury; null: none", examples=[30000])
    our_fen: int | None = Field(description="Sum of the money under it; null: none", examples=[64000])


class CollectionDifferencePage(BaseModel):
    """A page of differences of vouchers."""

    items: list[CollectionDifferenceItem] = Field(description="By voucher", examples=[[]])
    next: str | None = Field(description="Cursor of the next page", examples=["399010161000000001"])


class RefundDifferenceItem(BaseModel):
    """A refund on which the treasury's check (3123) and our books disagree."""

    kind: Literal["amount_differs", "ours_missing", "treasury_missing"] = Field(
        description="Another sum; paid back by the treasury alone; paid back in our books alone",
        examples=["treasury_missing"],
    )
    entrust_date: str = Field(description="Day of the package, YYYYMMDD", examples=["20211208"])
    pack_no: str = Field(description="Number of the package", examples=["00000001"])
    tra_no: str = Field(description="Number of the line", examples=["00000001"])
    refund_id: UUID | None = Field(description="Our refund; null: we have none", examples=[_ID])
    treasury_fen: int | None = Field(description="Sum by the treasury", examples=[30000])
    our_fen: int | None = Field(description="Sum by our books", examples=[30000])


class RefundDifferencePage(BaseModel):
    """Differences of refunds."""

    items: list[RefundDifferenceItem] = Field(description="By day, package and line", examples=[[]])
    next: str | None = Field(description="Always null: there are never many", examples=[None])
