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
APPLICATION_HAS_REFUND = ProblemType(
    "application_has_refund",
    409,
    ("该申请已有退款", "The application has a refund"),
    (
        "申请 {application_id} 已有退款 {other_id}（{state}），一个申请只退一次",
        "Application {application_id} has refund {other_id} ({state}); an application is paid back once",
    ),
)
NOT_THE_WAY_BACK = ProblemType(
    "not_the_way_back",
    409,
    ("退款渠道不符", "The money does not go back that way"),
    (
        "该笔缴费经 {channel} 收取，应经 {ways} 退还，不能经 {method}",
        "The money came by {channel} and goes back by {ways}, not by {method}",
    ),
)
NOT_ABNORMAL = ProblemType(
    "refund_not_abnormal",
    409,
    ("退款未出现异常", "The refund is not abnormal"),
    (
        "退款 {refund_id} 现为 {state}，只有异常（abnormal）的退款可以放弃",
        "Refund {refund_id} is {state}; only an abnormal one can be given up",
    ),
)
PAID_OTHERWISE = ProblemType(
    "refund_paid_otherwise",
    409,
    ("退款已按其他金额付出", "Another sum was paid"),
    (
        "退款 {refund_id} 应退 {amount_fen} 分，渠道称已付 {told_fen} 分，不能放弃；请渠道更正其回执（足额或退回）",
        "{told_fen} of {amount_fen} fen are paid: {refund_id} cannot be given up; have its channel correct its answer",
    ),
)
PAID_BY_THE_SAME = ProblemType(
    "four_eyes",
    409,
    ("须由他人办理", "Another person must do this"),
    ("{subject} 经办了该笔退款，须由他人决定改道", "{subject} paid this refund out; somebody else must decide"),
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
NONCE_REUSED = ProblemType(
    "nonce_reused",
    401,
    ("nonce 已用于其他报文", "The nonce was used for another message"),
    (
        "nonce {nonce} 已用于内容不同的报文，未作任何处理；请换新 nonce 重新签名",
        "Nonce {nonce} belongs to a message with other bytes; nothing was done. Sign with a new one",
    ),
    challenge="Signature",
)
EVENT_ID_REUSED = ProblemType(
    "event_id_reused",
    422,
    ("事件号已用于另一笔缴费", "The event id was used for another payment"),
    (
        "事件号 {event_id} 已登记为内容不同的缴费，本次未入账，请核查",
        "Event {event_id} stands for another payment already; this one was not booked. Check it",
    ),
)
TOO_MANY_ITEMS = ProblemType(
    "too_many_items",
    400,
    ("批量过大", "Too many items"),
    ("本批 {count} 笔，最多 {most} 笔，请分批发送", "{count} items, at most {most}; send them in several batches"),
)
