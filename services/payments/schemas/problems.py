"""The problems that payments answers with."""

from shared.problem import ProblemType

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
NOT_REVERSIBLE = ProblemType(
    "not_reversible",
    409,
    ("不能冲正", "Cannot be reversed"),
    (
        "缴费记录 {collection_id} 已有退费，不能再冲正",
        "Collection {collection_id} was paid back in part; it cannot be reversed",
    ),
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
    ("缴费记录为 {outcome}，没有应退的款项", "The collection is {outcome}; nothing of it is owed back"),
)
REFUND_EXCEEDS = ProblemType(
    "refund_exceeds_paid",
    409,
    ("退费超过已缴", "More than was paid"),
    ("应退 {paid_fen} 分，已退 {refunded_fen} 分，不能再退 {amount_fen} 分",
     "{paid_fen} fen are owed back and {refunded_fen} paid back; {amount_fen} more is too much"),
)  # fmt: skip
