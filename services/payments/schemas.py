"""The wire of payments: bodies of requests, answers and events, and the problems it answers with. Amounts are fen."""

from datetime import date, datetime
from typing import Annotated, Any, Literal, Self
from uuid import UUID

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, model_validator

from shared.codes import Channel, Payer
from shared.problem import ProblemType
from shared.regions import POOL_PATTERN, REGION_PATTERN

BILL_UNKNOWN = ProblemType(
    "bill_unknown",
    404,
    ("应缴单不存在", "No such bill"),
    ("没有应缴单 {bill_no}，请核对单号", "There is no bill {bill_no}; check the number"),
)
SHIFT_UNKNOWN = ProblemType(
    "shift_unknown",
    404,
    ("班次不存在", "No such shift"),
    ("没有班次 {shift_id}", "There is no shift {shift_id}"),
)
SHIFT_OPEN = ProblemType(
    "shift_already_open",
    409,
    ("窗口已有未结班次", "The counter has an open shift"),
    ("窗口 {counter_code} 已有未结班次，请先结班", "Counter {counter_code} has an open shift; close it first"),
)
SHIFT_CLOSED = ProblemType(
    "shift_closed",
    409,
    ("班次已结", "The shift is closed"),
    ("班次 {shift_id} 已结，请另开班次", "Shift {shift_id} is closed; open another one"),
)
SHIFT_OF_ANOTHER = ProblemType(
    "shift_of_another",
    403,
    ("不是本人班次", "Not your shift"),
    ("班次 {shift_id} 属于 {clerk}", "Shift {shift_id} belongs to {clerk}"),
)
NOT_TAKEN = ProblemType(
    "payment_not_taken",
    409,
    ("不能收取", "The payment cannot be taken"),
    ("{count} 笔不能收取，见 errors；款项未收", "{count} item(s) cannot be taken, see errors; no money was booked"),
)
COLLECTION_UNKNOWN = ProblemType(
    "collection_unknown",
    404,
    ("缴费记录不存在", "No such collection"),
    ("没有缴费记录 {collection_id}", "There is no collection {collection_id}"),
)
RECEIPT_UNKNOWN = ProblemType(
    "receipt_unknown",
    404,
    ("票据不存在", "No such receipt"),
    ("没有票据 {receipt_no}", "There is no receipt {receipt_no}"),
)
REFUND_UNKNOWN = ProblemType(
    "refund_unknown",
    404,
    ("退费记录不存在", "No such refund"),
    ("没有退费记录 {refund_id}", "There is no refund {refund_id}"),
)
NOT_REFUNDABLE = ProblemType(
    "not_refundable",
    409,
    ("不能退还", "Cannot be paid back"),
    ("缴费记录为 {outcome}，只有多缴款可在此退还", "The collection is {outcome}; only surplus is paid back here"),
)
REFUND_EXCEEDS = ProblemType(
    "refund_exceeds_paid",
    409,
    ("退费超过已缴", "More than was paid"),
    ("已缴 {paid_fen} 分，已退 {refunded_fen} 分，不能再退 {amount_fen} 分",
     "{paid_fen} fen were paid and {refunded_fen} paid back; {amount_fen} more is too much"),
)  # fmt: skip
PoolField = Annotated[str, Field(pattern=POOL_PATTERN, description="Pooling area (统筹区)", examples=["140522"])]
RegionField = Annotated[
    str, Field(pattern=REGION_PATTERN, description="Division code, 6, 9 or 12 digits", examples=["140522108"])
]
BillNo = Annotated[
    str,
    Field(
        min_length=7,
        max_length=32,
        description="Bill number; begins with the pool",
        examples=["1405227QK3M9Z5T2WB8XCD"],
    ),
]
PositiveFen = Annotated[int, Field(gt=0, le=10**12, description="Amount in fen", examples=[32000])]


class Body(BaseModel):
    """A request body: unknown fields are faults."""

    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True)


class ShiftOpening(Body):
    """Open a shift at a counter."""

    pool: PoolField
    counter_code: str = Field(
        pattern=r"^[A-Z0-9]{2,20}$", description="The counter, whose receipt book is used", examples=["TAXHALL01"]
    )
    region: RegionField
    opening_float_fen: int = Field(ge=0, le=10**9, description="Change in the drawer, in fen", examples=[50000])


class ShiftClosing(Body):
    """Count the drawer and close the shift."""

    pool: PoolField
    counted_cash_fen: int = Field(
        ge=0, le=10**12, description="Cash counted, the float included, in fen", examples=[370000]
    )
    note: str | None = Field(default=None, max_length=500, description="Why the count differs", examples=["少一枚硬币"])


class Shift(BaseModel):
    """班次: one clerk at one counter, from opening to the count of the drawer."""

    pool: PoolField
    shift_id: UUID = Field(description="Identifier", examples=["0192f0c4-7b7a-7c3e-8a55-3f1f7f1b2a01"])
    counter_code: str = Field(description="The counter", examples=["TAXHALL01"])
    region: RegionField
    clerk: str = Field(description="Who opened it (`sub`)", examples=["clerk-wang"])
    status: Literal["open", "closed"] = Field(description="open or closed", examples=["open"])
    opening_float_fen: int = Field(description="Change in the drawer, in fen", examples=[50000])
    opened_at: datetime = Field(description="Business instant of opening", examples=["2021-09-01T08:30:00+08:00"])
    closed_at: datetime | None = Field(
        description="Business instant of closing", examples=["2021-09-01T17:30:00+08:00"]
    )
    expected_cash_fen: int | None = Field(description="Float + cash taken − cash paid back, in fen", examples=[370000])
    counted_cash_fen: int | None = Field(description="Cash counted, in fen", examples=[370000])
    difference_fen: int | None = Field(description="Counted less expected, in fen", examples=[0])
    takings_fen: int | None = Field(
        description="Handed to the special account: all taken less all paid back, in fen", examples=[640000]
    )
    note: str | None = Field(description="Remark on the count", examples=["少一枚硬币"])
    version: int = Field(description="Version, also the ETag", examples=[1])


class PosSlip(Body):
    """What the POS terminal printed."""

    terminal_no: str = Field(min_length=1, max_length=20, description="Terminal", examples=["14000123"])
    reference_no: str = Field(
        min_length=1, max_length=30, description="Acquirer's reference number", examples=["109121530211"]
    )
    paid_at: AwareDatetime = Field(description="When the card was charged", examples=["2021-12-05T10:00:00+08:00"])


class CounterItem(Body):
    """One bill of a payment."""

    bill_no: BillNo
    amount_fen: PositiveFen


class CounterPayment(Body):
    """Money at the counter for one or several bills, by one payer.

    Cash is still in the payer's hand, so a fault of any item refuses the whole payment. A POS payment has been charged
    already: it is booked whatever it is.
    """

    pool: PoolField
    shift_id: UUID = Field(description="The clerk's open shift", examples=["0192f0c4-7b7a-7c3e-8a55-3f1f7f1b2a01"])
    method: Literal["cash", "pos"] = Field(description="How it is paid", examples=["cash"])
    payer_name: str = Field(min_length=1, max_length=100, description="缴费人, on the receipt", examples=["王小明"])
    payer_id: UUID | None = Field(
        default=None, description="The payer's person_id where known", examples=["0192f0c4-7b7a-7c3e-8a55-3f1f7f1b2a02"]
    )
    pos: PosSlip | None = Field(
        default=None,
        description="The POS slip; with method pos only",
        examples=[{"terminal_no": "14000123", "reference_no": "109121530211", "paid_at": "2021-12-05T10:00:00+08:00"}],
    )
    items: list[CounterItem] = Field(
        min_length=1,
        max_length=100,
        description="The bills paid",
        examples=[[{"bill_no": "1405227QK3M9Z5T2WB8XCD", "amount_fen": 32000}]],
    )

    @model_validator(mode="after")
    def _slip_fits_method(self) -> Self:
        if (self.method == "pos") != (self.pos is not None):
            raise ValueError("`pos` is given with method pos, and only then")
        if len({item.bill_no for item in self.items}) != len(self.items):
            raise ValueError("a bill stands in `items` twice")
        return self


class CounterResult(BaseModel):
    """What became of one item."""

    bill_no: str = Field(description="The bill", examples=["1405227QK3M9Z5T2WB8XCD"])
    collection_id: UUID = Field(description="The booked money", examples=["0192f0c4-7b7a-7c3e-8a55-3f1f7f1b2a03"])
    outcome: Literal["settled", "surplus", "suspense"] = Field(description="What became of it", examples=["settled"])
    receipt_no: str | None = Field(description="Receipt; none for suspense", examples=["TAXHALL01-00000042"])
    reason: str | None = Field(description="Why it did not settle the bill", examples=["already_paid"])


class CounterAnswer(BaseModel):
    """One entry per item, in the order of the request."""

    items: list[CounterResult] = Field(description="What became of each item", examples=[[]])


class Line(BaseModel):
    """Who pays which part."""

    payer: Payer = Field(description="Who pays", examples=["medical_assistance_fund"])
    amount_fen: int = Field(description="Amount in fen", examples=[28000])
    status: str | None = Field(description="The status that the help rests on", examples=["dibao"])
    rules: list[str] = Field(description="Rule ids", examples=[["S004-14", "S004-15"]])


class Bill(BaseModel):
    """应缴单: copy of an assessment, against which money is taken."""

    bill_no: BillNo
    pool: PoolField
    assessment_id: UUID = Field(description="The assessment", examples=["0192f0c4-7b7a-7c3e-8a55-3f1f7f1b2a04"])
    scheme: str = Field(description="Scheme", examples=["yangcheng-2022"])
    person_id: UUID = Field(description="The insured person", examples=["0192f0c4-7b7a-7c3e-8a55-3f1f7f1b2a05"])
    unit_code: str = Field(description="Unit that gathered the person", examples=["V140522108200"])
    region: RegionField
    standard_fen: int = Field(description="The whole that is due, in fen", examples=[32000])
    amount_fen: int = Field(description="The person's own part, in fen", examples=[4000])
    lines: list[Line] = Field(
        description="Who pays which part",
        examples=[[{"payer": "person", "amount_fen": 4000, "status": None, "rules": ["S004-09"]}]],
    )
    status: Literal["open", "paid", "voided"] = Field(description="State", examples=["open"])
    issued_at: datetime = Field(description="When it was assessed", examples=["2021-09-02T09:00:00+08:00"])
    paid_on: date | None = Field(description="Day of payment, Asia/Shanghai", examples=["2021-12-05"])
    version: int = Field(description="Version, also the ETag", examples=[1])


class BillPage(BaseModel):
    """A page of bills."""

    items: list[Bill] = Field(description="Bills by number", examples=[[]])
    next: str | None = Field(description="Cursor of the next page", examples=["1405227QK3M9Z5T2WB8XCD"])


class Collection(BaseModel):
    """到账: money that has come."""

    pool: PoolField
    collection_id: UUID = Field(description="Identifier", examples=["0192f0c4-7b7a-7c3e-8a55-3f1f7f1b2a03"])
    channel: Channel = Field(description="Where it came in", examples=["counter"])
    method: str = Field(description="cash or pos", examples=["cash"])
    bill_no: str = Field(description="The bill it was meant for", examples=["1405227QK3M9Z5T2WB8XCD"])
    scheme: str | None = Field(description="Scheme of the bill", examples=["yangcheng-2022"])
    person_id: UUID | None = Field(description="Insured person", examples=["0192f0c4-7b7a-7c3e-8a55-3f1f7f1b2a05"])
    region: RegionField
    amount_fen: int = Field(description="Amount in fen", examples=[32000])
    refunded_fen: int = Field(description="Paid back so far, in fen", examples=[0])
    payer_name: str = Field(description="缴费人", examples=["王小明"])
    payer_id: UUID | None = Field(
        description="The payer's person_id", examples=["0192f0c4-7b7a-7c3e-8a55-3f1f7f1b2a02"]
    )
    shift_id: UUID | None = Field(description="Shift that took it", examples=["0192f0c4-7b7a-7c3e-8a55-3f1f7f1b2a01"])
    paid_at: datetime = Field(description="When the payer paid", examples=["2021-12-05T10:00:00+08:00"])
    booked_at: datetime = Field(description="When it was booked", examples=["2021-12-05T10:00:03+08:00"])
    outcome: Literal["settled", "surplus", "suspense"] = Field(description="What became of it", examples=["settled"])
    reason: str | None = Field(description="Why it did not settle the bill", examples=["already_paid"])
    receipt_no: str | None = Field(description="Receipt", examples=["TAXHALL01-00000042"])
    version: int = Field(description="Version, also the ETag", examples=[1])


class CollectionPage(BaseModel):
    """A page of collections."""

    items: list[Collection] = Field(description="Collections in the order they were booked", examples=[[]])
    next: str | None = Field(description="Cursor of the next page", examples=["0192f0c4-7b7a-7c3e-8a55-3f1f7f1b2a03"])


class Receipt(BaseModel):
    """专用票据: numbered proof of a payment; a voided one stays."""

    pool: PoolField
    receipt_no: str = Field(description="Number", examples=["TAXHALL01-00000042"])
    book_code: str = Field(description="Receipt book", examples=["TAXHALL01"])
    number: int = Field(description="Consecutive number in the book", examples=[42])
    collection_id: UUID = Field(description="The money", examples=["0192f0c4-7b7a-7c3e-8a55-3f1f7f1b2a03"])
    bill_no: str = Field(description="The bill", examples=["1405227QK3M9Z5T2WB8XCD"])
    person_id: UUID = Field(description="Insured person", examples=["0192f0c4-7b7a-7c3e-8a55-3f1f7f1b2a05"])
    payer_name: str = Field(description="缴费人", examples=["王小明"])
    amount_fen: int = Field(description="Amount in fen", examples=[32000])
    issued_at: datetime = Field(description="When it was issued", examples=["2021-12-05T10:00:03+08:00"])
    issued_by: str = Field(description="Who issued it (`sub`)", examples=["clerk-wang"])
    voided_at: datetime | None = Field(description="When it was voided", examples=[None])
    void_reason: str | None = Field(description="Why it was voided", examples=["refunded"])


class RefundOrder(Body):
    """Pay back money, as decided by the refunds service."""

    pool: PoolField
    refund_id: UUID = Field(
        description="Identifier, made by the caller", examples=["0192f0c4-7b7a-7c3e-8a55-3f1f7f1b2a06"]
    )
    application_id: UUID = Field(
        description="The decided application", examples=["0192f0c4-7b7a-7c3e-8a55-3f1f7f1b2a07"]
    )
    collection_id: UUID = Field(description="The money", examples=["0192f0c4-7b7a-7c3e-8a55-3f1f7f1b2a03"])
    shift_id: UUID = Field(description="Open shift that pays it out", examples=["0192f0c4-7b7a-7c3e-8a55-3f1f7f1b2a01"])
    method: Literal["cash", "pos_return"] = Field(description="From the drawer, or back to the card", examples=["cash"])
    amount_fen: PositiveFen
    paid_to: str = Field(min_length=1, max_length=100, description="Who receives it", examples=["王小明"])
    paid_by: str = Field(min_length=1, max_length=200, description="Who pays it out (`sub`)", examples=["clerk-zhao"])


class Refund(BaseModel):
    """Money paid back."""

    pool: PoolField
    refund_id: UUID = Field(description="Identifier", examples=["0192f0c4-7b7a-7c3e-8a55-3f1f7f1b2a06"])
    application_id: UUID = Field(description="The application", examples=["0192f0c4-7b7a-7c3e-8a55-3f1f7f1b2a07"])
    collection_id: UUID = Field(description="The money", examples=["0192f0c4-7b7a-7c3e-8a55-3f1f7f1b2a03"])
    shift_id: UUID = Field(description="Shift that paid it out", examples=["0192f0c4-7b7a-7c3e-8a55-3f1f7f1b2a01"])
    scheme: str = Field(description="Scheme", examples=["yangcheng-2022"])
    method: str = Field(description="cash or pos_return", examples=["cash"])
    amount_fen: int = Field(description="Amount in fen", examples=[32000])
    paid_to: str = Field(description="Who received it", examples=["王小明"])
    paid_by: str = Field(description="Who paid it out (`sub`)", examples=["clerk-zhao"])
    settled_at: datetime = Field(description="When it was paid out", examples=["2021-12-06T10:00:00+08:00"])


class Account(BaseModel):
    """An account of the fund ledger."""

    account: str = Field(description="Name", examples=["special_account"])
    debit_fen: int = Field(description="Sum of debits, in fen", examples=[640000])
    credit_fen: int = Field(description="Sum of credits, in fen", examples=[0])
    balance_fen: int = Field(description="Debits less credits, in fen", examples=[640000])


class Accounts(BaseModel):
    """All accounts of a pool; the balances sum to zero."""

    items: list[Account] = Field(description="One entry per account", examples=[[]])


class Figure(BaseModel):
    """Persons who paid, as one book knows them."""

    heads: int = Field(description="Persons", examples=[1200])
    amount_fen: int = Field(description="Their money, in fen", examples=[38400000])
    digest: str = Field(description="Order-free mark of the set of persons", examples=["81235"])


class FourWay(BaseModel):
    """四一致: money, heads, roster and receipts agree."""

    money: bool = Field(description="Ledger, collections and bills hold the same money", examples=[True])
    heads: bool = Field(description="Bills and collections hold the same persons", examples=[True])
    roster: bool = Field(description="Registration's roster marks the same persons as paid", examples=[True])
    receipts: bool = Field(description="Valid receipts stand for the same persons and money", examples=[True])
    bills: Figure = Field(description="By paid bills", examples=[{"heads": 1, "amount_fen": 32000, "digest": "8"}])
    collections: Figure = Field(
        description="By collections", examples=[{"heads": 1, "amount_fen": 32000, "digest": "8"}]
    )
    valid_receipts: Figure = Field(
        description="By receipts", examples=[{"heads": 1, "amount_fen": 32000, "digest": "8"}]
    )
    paid_roster: Figure = Field(
        description="By the roster", examples=[{"heads": 1, "amount_fen": 32000, "digest": "8"}]
    )
    ledger_fen: int = Field(description="Premiums of persons in the ledger, in fen", examples=[32000])


class CountedSum(BaseModel):
    """A count and a sum."""

    count: int = Field(description="How many", examples=[12])
    amount_fen: int = Field(description="Sum in fen", examples=[384000])


class Collected(CountedSum):
    """All money taken, doubles and suspense included."""

    by_channel: dict[Channel, CountedSum] = Field(
        description="By channel", examples=[{"counter": {"count": 12, "amount_fen": 384000}}]
    )
    by_outcome: dict[str, CountedSum] = Field(
        description="By outcome", examples=[{"settled": {"count": 12, "amount_fen": 384000}}]
    )


class ReceiptFigures(BaseModel):
    """The receipt books."""

    issued: int = Field(description="Issued, the voided included", examples=[12])
    voided: int = Field(description="Voided", examples=[1])
    gaps: int = Field(description="Numbers that are missing", examples=[0])
    duplicates: int = Field(description="Numbers that stand twice", examples=[0])


class Funds(BaseModel):
    """The fund ledger in a few figures."""

    ledger_sum_fen: int = Field(description="Sum of all balances; 0", examples=[0])
    special_account_fen: int = Field(description="Balance of the special account", examples=[352000])
    held_fen: int = Field(description="Still held by open shifts", examples=[0])
    surplus_fen: int = Field(description="Surplus not yet paid back", examples=[0])
    suspense_fen: int = Field(description="In suspense", examples=[0])
    claims_due_fen: int = Field(description="Claimed from other payers for settled bills", examples=[2800000])
    claims_received_fen: int = Field(description="Received on these claims", examples=[0])


class Summary(BaseModel):
    """What a pool's money came to."""

    collected: Collected = Field(
        description="Money taken", examples=[{"count": 0, "amount_fen": 0, "by_channel": {}, "by_outcome": {}}]
    )
    receipts: ReceiptFigures = Field(
        description="Receipts", examples=[{"issued": 0, "voided": 0, "gaps": 0, "duplicates": 0}]
    )
    refunds: CountedSum = Field(description="Money paid back", examples=[{"count": 0, "amount_fen": 0}])
    funds: Funds = Field(
        description="Ledger",
        examples=[{
            "ledger_sum_fen": 0, "special_account_fen": 0, "held_fen": 0, "surplus_fen": 0, "suspense_fen": 0,
            "claims_due_fen": 0, "claims_received_fen": 0,
        }],
    )  # fmt: skip


class AssessmentIssued(BaseModel):
    """Registration's `assessment.issued`, as far as payments reads it."""

    assessment_id: UUID
    scheme: str
    person_id: UUID
    unit_code: str
    region: str
    standard_fen: int
    payable_fen: int
    lines: list[dict[str, Any]]
    window: dict[str, Any]


class BillPaid(BaseModel):
    """Event `bill.paid`: the person's part is there (or was zero from the beginning)."""

    bill_no: str
    assessment_id: UUID
    person_id: UUID
    scheme: str
    region: str
    amount_fen: int
    paid_on: date
    collection_id: UUID | None
    receipt_no: str | None


class CollectionSurplus(BaseModel):
    """Event `collection.surplus`: money that was not due and has to go back."""

    collection_id: UUID
    bill_no: str
    person_id: UUID
    scheme: str
    region: str
    amount_fen: int
    paid_at: datetime
    channel: str
    method: str
    payer_name: str
    payer_id: UUID | None
    reason: str


class RefundSettled(BaseModel):
    """Event `refund.settled`: the money has been paid back."""

    refund_id: UUID
    application_id: UUID
    collection_id: UUID
    scheme: str
    amount_fen: int
    paid_by: str
    settled_at: datetime
