"""Receipts (票据): with fiscal numbers, their public check, cancellations, segments, proofs, tax certificates."""

from datetime import date, datetime
from typing import Annotated, Literal, Self
from uuid import UUID

from pydantic import BaseModel, Field, model_validator

from .fields import Body, PoolField

_ID = "0192f0c4-7b7a-7c3e-8a55-3f1f7f1b2a30"
_NO = "TAXHALL01-00000042"
_URL = "https://pay.example.gov.cn/payments/verify?code=99060121&number=0000000042&check_code=589d80"

BookCode = Annotated[
    str, Field(pattern=r"^[0-9A-Za-z_-]{1,40}$", description="Receipt book of a unit", examples=["TAXHALL01"])
]
FiscalCode = Annotated[
    str, Field(pattern=r"^[0-9]{8}$", description="票据代码: region, class, kind, year", examples=["99060121"])
]
FiscalNumber = Annotated[str, Field(pattern=r"^[0-9]{10}$", description="票据号码", examples=["0000000042"])]
State = Literal["issued", "voided", "offset"]
MediumName = Literal["paper", "electronic"]
SeriesName = Literal["ordinary", "red"]


class RedReceipt(BaseModel):
    """红票: offsets an electronic receipt over its full amount, under a number of its own."""

    receipt_no: str = Field(description="Its number in the book", examples=["TAXHALL01-R00000003"])
    fiscal_code: str = Field(description="票据代码", examples=["99060121"])
    fiscal_number: str = Field(description="票据号码", examples=["0000000103"])
    check_code: str = Field(description="校验码", examples=["7kq0zn"])
    amount_fen: int = Field(description="The original's full amount, to be read as negative, in fen", examples=[30000])
    reason: str = Field(description="Why", examples=["refunded"])
    verify_url: str = Field(description="Public page that confirms it; what its QR code says", examples=[_URL])
    issued_at: datetime = Field(description="When it was issued", examples=["2021-12-20T10:00:00+08:00"])


class Receipt(BaseModel):
    """专用票据: numbered proof of a payment; one that does not count any more stays."""

    pool: PoolField
    receipt_no: str = Field(description="Number", examples=[_NO])
    book_code: str = Field(description="Receipt book", examples=["TAXHALL01"])
    number: int = Field(description="Consecutive number in the book", examples=[42])
    collection_id: UUID = Field(description="The money", examples=["0192f0c4-7b7a-7c3e-8a55-3f1f7f1b2a03"])
    bill_no: str = Field(description="The bill", examples=["9901017QK3M9Z5T2WB8XCD"])
    person_id: UUID = Field(description="Insured person", examples=["0192f0c4-7b7a-7c3e-8a55-3f1f7f1b2a05"])
    payer_name: str = Field(description="缴费人", examples=["王小明"])
    amount_fen: int = Field(description="Amount in fen", examples=[30000])
    issued_at: datetime = Field(description="When it was issued", examples=["2021-12-05T10:00:03+08:00"])
    issued_by: str = Field(description="Who issued it (`sub`)", examples=["clerk-wang"])
    state: State = Field(description="Counts, void (作废), or offset by a red receipt (冲红)", examples=["issued"])
    voided_at: datetime | None = Field(description="Since when it does not count", examples=[None])
    void_reason: str | None = Field(description="Why it does not count", examples=["refunded"])
    medium: MediumName = Field(description="On a printed form, or electronic", examples=["electronic"])
    fiscal_code: str = Field(description="票据代码 (billBatchCode)", examples=["99060121"])
    fiscal_number: str = Field(description="票据号码 (billNo)", examples=["0000000042"])
    check_code: str = Field(description="校验码 (random)", examples=["589d80"])
    business_no: str = Field(
        description="业务流水号 (busNo): the same for the same receipt, whatever is repeated",
        examples=[f"990101-{_NO}"],
    )
    verify_url: str = Field(description="Public page that confirms it; what its QR code says", examples=[_URL])
    red: RedReceipt | None = Field(description="The red receipt that offsets it", examples=[None])
    replaces: str | None = Field(description="The cancelled receipt that it was issued instead of", examples=[None])
    replaced_by: str | None = Field(description="The receipt that was issued instead of it", examples=[None])


class VerifiedReceipt(BaseModel):
    """What everybody may know of a receipt whose numbers they hold. Where nothing fits, all but `found` is null."""

    found: bool = Field(description="Whether there is such a receipt with these values", examples=[True])
    state: State | None = Field(description="Counts, void (作废), or offset (冲红)", examples=["issued"])
    is_red: bool | None = Field(description="Whether the number is that of a red receipt (红票)", examples=[False])
    name: str | None = Field(description="票据名称", examples=["社会保险费专用票据"])
    issuing_unit: str | None = Field(description="开票单位", examples=["示例县医疗保障经办机构"])
    payer_name_masked: str | None = Field(description="缴费人, masked", examples=["王*明"])
    amount_fen: int | None = Field(description="Amount in fen", examples=[30000])
    issued_on: date | None = Field(description="开票日期", examples=["2021-12-05"])
    ended_on: date | None = Field(description="Day from which it does not count", examples=[None])


class CancellationOrder(Body):
    """Ask for a misprinted receipt to be cancelled; the same money gets the next number."""

    pool: PoolField
    reason: str = Field(min_length=2, max_length=200, description="What is wrong with it", examples=["缴费人姓名印错"])
    payer_name: str | None = Field(
        default=None,
        min_length=1,
        max_length=100,
        description="缴费人 as it should be; none: as it was",
        examples=["王晓明"],
    )


class CancellationCheck(Body):
    """A second person has compared the receipt with the payment."""

    pool: PoolField
    result: Literal["confirmed", "rejected"] = Field(description="What was found", examples=["confirmed"])
    note: str | None = Field(
        default=None, max_length=500, description="Why; needed to reject", examples=["原件各联已收回"]
    )

    @model_validator(mode="after")
    def _rejection_has_its_reason(self) -> Self:
        if self.result == "rejected" and not self.note:
            raise ValueError("`note` says why something is rejected")
        return self


class Cancellation(BaseModel):
    """作废申请: a misprinted receipt on its way to being cancelled and issued anew."""

    pool: PoolField
    cancellation_id: UUID = Field(description="Identifier", examples=[_ID])
    receipt_no: str = Field(description="The receipt", examples=[_NO])
    reason: str = Field(description="What is wrong with it", examples=["缴费人姓名印错"])
    payer_name: str | None = Field(description="缴费人 as it should be; null: as it was", examples=["王晓明"])
    state: Literal["requested", "confirmed", "rejected"] = Field(description="Where it stands", examples=["requested"])
    requested_by: str = Field(description="Clerk (`sub`)", examples=["clerk-wang"])
    requested_at: datetime = Field(description="When", examples=["2021-12-05T10:05:00+08:00"])
    checked_by: str | None = Field(description="The second person (`sub`)", examples=["chief-li"])
    checked_at: datetime | None = Field(description="When", examples=["2021-12-05T10:10:00+08:00"])
    note: str | None = Field(description="What the second person said", examples=["原件各联已收回"])
    new_receipt_no: str | None = Field(description="The receipt issued instead", examples=["TAXHALL01-00000043"])
    version: int = Field(description="Version, also the ETag", examples=[1])


class CancellationPage(BaseModel):
    """A page of cancellations."""

    items: list[Cancellation] = Field(description="In the order in which they were asked for", examples=[[]])
    next: str | None = Field(description="Cursor of the next page", examples=[_ID])


class SegmentOrder(Body):
    """Hand out a segment of printed forms to a unit (领用)."""

    pool: PoolField
    book_code: BookCode
    fiscal_code: FiscalCode
    first_number: FiscalNumber
    count: int = Field(ge=1, le=1_000_000, description="How many forms", examples=[500])


class SegmentClosing(Body):
    """Account for a segment whole (核销)."""

    pool: PoolField


class Segment(BaseModel):
    """票段: a run of fiscal numbers in a unit's hands, and what became of them."""

    pool: PoolField
    segment_id: UUID = Field(description="Identifier", examples=[_ID])
    book_code: str = Field(description="Receipt book of the unit", examples=["TAXHALL01"])
    series: SeriesName = Field(description="Receipts, or red ones", examples=["ordinary"])
    medium: MediumName = Field(description="On printed forms, or electronic", examples=["paper"])
    fiscal_code: str = Field(description="票据代码", examples=["99060121"])
    first_number: str = Field(description="起号", examples=["0000000001"])
    last_number: str = Field(description="止号", examples=["0000000500"])
    received_count: int = Field(description="领用份数", examples=[500])
    used_count: int = Field(description="使用份数, the cancelled included", examples=[42])
    voided_count: int = Field(description="作废份数: voided receipts and spoiled forms", examples=[1])
    offset_count: int = Field(description="冲红份数", examples=[0])
    outstanding_count: int = Field(description="Out with agents in blocks, not yet accounted for", examples=[0])
    left_count: int = Field(description="结存份数", examples=[458])
    used_first: str | None = Field(description="First number used", examples=["0000000001"])
    used_last: str | None = Field(description="Last number used", examples=["0000000042"])
    issued_fen: int = Field(description="Amount of what was used and still counts, in fen", examples=[1344000])
    state: Literal["handed_out", "written_off"] = Field(description="Where it stands", examples=["handed_out"])
    handed_out_by: str = Field(description="Who handed it out", examples=["officer-zhao"])
    handed_out_at: datetime = Field(description="When", examples=["2021-09-01T08:00:00+08:00"])
    written_off_by: str | None = Field(description="Who wrote it off", examples=[None])
    written_off_at: datetime | None = Field(description="When", examples=[None])
    version: int = Field(description="Version, also the ETag", examples=[1])


class SegmentPage(BaseModel):
    """A page of segments: the stock report."""

    items: list[Segment] = Field(description="By book, series and number", examples=[[]])
    next: str | None = Field(description="Cursor of the next page", examples=["TAXHALL01/ordinary/1"])


class Proof(BaseModel):
    """连号核对: what the night found of the numbers that a book used on a day."""

    pool: PoolField
    book_code: str = Field(description="Receipt book", examples=["TAXHALL01"])
    day: date = Field(description="Business day", examples=["2021-12-05"])
    first_number: int = Field(description="First number of the book after the proof before", examples=[1])
    last_number: int = Field(description="Last number of the book on that day", examples=[42])
    issued_count: int = Field(description="Receipts issued", examples=[42])
    cancelled_count: int = Field(description="Of these void or offset", examples=[1])
    outstanding_count: int = Field(description="Out with agents in blocks", examples=[0])
    unissued_count: int = Field(description="Numbers of blocks that became no receipt", examples=[0])
    missing_count: int = Field(description="Numbers of which nothing is known; 0", examples=[0])
    doubled_count: int = Field(description="Fiscal numbers that stand for two; 0", examples=[0])
    issued_fen: int = Field(description="Amount of what was issued, in fen", examples=[1344000])
    digest: str = Field(description="Mark of numbers, amounts and payments as they were", examples=["9f86d081884c7d65"])
    proven_at: datetime = Field(description="When", examples=["2021-12-06T01:00:00+08:00"])


class ProofPage(BaseModel):
    """A page of proofs."""

    items: list[Proof] = Field(description="By day and book", examples=[[]])
    next: str | None = Field(description="Cursor of the next page", examples=["2021-12-05/TAXHALL01"])


class CertificateOrder(Body):
    """The number of the tax bureau's certificate for a payment, copied from it."""

    pool: PoolField
    certificate_no: str = Field(min_length=1, max_length=60, description="完税证字号", examples=["(211)示例证00012345"])
    ticket_no: str | None = Field(
        default=None, min_length=1, max_length=60, description="电子税票号码", examples=["399010211200001234"]
    )
    filled_on: date = Field(description="填发日期", examples=["2021-12-06"])


class Certificate(BaseModel):
    """完税证明: the tax bureau's, of which we keep the number."""

    pool: PoolField
    certificate_id: UUID = Field(description="Identifier", examples=[_ID])
    collection_id: UUID = Field(description="The money", examples=["0192f0c4-7b7a-7c3e-8a55-3f1f7f1b2a03"])
    certificate_no: str = Field(description="完税证字号", examples=["(211)示例证00012345"])
    ticket_no: str | None = Field(description="电子税票号码", examples=["399010211200001234"])
    filled_on: date = Field(description="填发日期", examples=["2021-12-06"])
    recorded_by: str = Field(description="Who copied it", examples=["clerk-wang"])
    recorded_at: datetime = Field(description="When", examples=["2021-12-06T09:00:00+08:00"])


class CertificateList(BaseModel):
    """The certificates of a payment."""

    items: list[Certificate] = Field(description="The latest first; it is the one that counts", examples=[[]])
