"""The problems that routes about receipts answer with."""

from shared.problem import ProblemType

RECEIPT_NOT_VALID = ProblemType(
    "receipt_not_valid",
    409,
    ("票据已作废或冲红", "The receipt does not count any more"),
    (
        "票据 {receipt_no} 现为 {state}，不能再作废；请按其后开具的票据办理",
        "Receipt {receipt_no} is {state}; it cannot be cancelled again. Use the one that was issued after it",
    ),
)
CANCELLATION_WAITS = ProblemType(
    "cancellation_waits",
    409,
    ("已有待复核的作废申请", "A cancellation waits already"),
    (
        "票据 {receipt_no} 已有待复核的作废申请，请先复核",
        "A cancellation of receipt {receipt_no} waits for its second person already",
    ),
)
CANCELLATION_UNKNOWN = ProblemType(
    "cancellation_unknown",
    404,
    ("作废申请不存在", "No such cancellation"),
    ("没有作废申请 {cancellation_id}", "There is no cancellation {cancellation_id}"),
)
SEGMENT_UNKNOWN = ProblemType(
    "segment_unknown",
    404,
    ("票段不存在", "No such segment"),
    ("没有票段 {segment_id}", "There is no segment {segment_id}"),
)
SEGMENT_TAKEN = ProblemType(
    "segment_taken",
    409,
    ("号段已被领用", "These numbers were handed out before"),
    (
        "票据代码 {code} 的号码 {first}–{last} 与已领用的号段重叠，请核对领用单",
        "Numbers {first}–{last} of code {code} overlap with a segment that was handed out before",
    ),
)
SEGMENT_IN_USE = ProblemType(
    "segment_in_use",
    409,
    ("票段尚未用完", "The segment is still in use"),
    (
        "票段尚余 {left} 份、代办未交回 {outstanding} 份，用完并收回后才能核销",
        "{left} number(s) are left and {outstanding} are out with agents; it is written off when all are accounted for",
    ),
)
SEGMENT_WRITTEN_OFF = ProblemType(
    "segment_written_off",
    409,
    ("票段已核销", "The segment was written off before"),
    ("票段 {segment_id} 已核销", "Segment {segment_id} was written off before"),
)
CERTIFICATE_MALFORMED = ProblemType(
    "certificate_malformed",
    422,
    ("完税证号格式不符", "Not the form of a tax certificate's number"),
    (
        "{value} 不符合税务机关的号码格式（{pattern}），请照完税证原样录入",
        "{value} does not have the form of the tax bureau's numbers ({pattern}); copy it as printed",
    ),
)
TOO_MANY_TRIES = ProblemType(
    "too_many_tries",
    429,
    ("查验过于频繁", "Too many tries"),
    ("查验过于频繁，请 {seconds} 秒后再试", "Too many tries; come again in {seconds} seconds"),
)
