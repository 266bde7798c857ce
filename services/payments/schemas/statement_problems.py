"""The problems of statements and breaks."""

from shared.problem import ProblemType

STATEMENT_UNKNOWN = ProblemType(
    "statement_unknown",
    404,
    ("对账单不存在", "No such statement"),
    ("没有对账单 {statement_id}", "There is no statement {statement_id}"),
)
STATEMENT_UNREADABLE = ProblemType(
    "statement_unreadable",
    422,
    ("对账单无法读取", "The statement cannot be read"),
    ("{reason}", "The file is not a statement of this channel: {reason}"),
)
STATEMENT_OF_ANOTHER_DAY = ProblemType(
    "statement_of_another_day",
    422,
    ("对账日不符", "The statement is of another day"),
    (
        "文件内容为 {found}，不是 {day}，请核对对账日",
        "The file is about {found}, not {day}; check the day",
    ),
)
STATEMENT_AHEAD = ProblemType(
    "statement_day_in_future",
    422,
    ("对账日在将来", "The day lies in the future"),
    ("对账日 {day} 晚于今日，渠道还不能出账单", "{day} lies after today; the channel cannot have its statement yet"),
)
INSTITUTION_NEEDED = ProblemType(
    "institution_needed",
    422,
    ("缺少机构", "The institution is missing"),
    (
        "渠道 {channel} 的对账单须给出 institution（银行的机构号，或代收台账号）",
        "A statement of channel {channel} needs `institution`: the bank's code, or the agent's ledger",
    ),
)
ACCOUNT_UNKNOWN = ProblemType(
    "account_unknown",
    422,
    ("账户不明", "No such account"),
    (
        "{pool} 没有登记资金账户 {institution}，请核对 institution（登记的账户，或微信商户账户 wechat）",
        "No account {institution} of {pool} is set up; `institution` is one that is, or `wechat`",
    ),
)
EXPORT_TOO_LONG = ProblemType(
    "export_too_long",
    422,
    ("导出期间过长", "The period is too long"),
    ("一次最多导出 {days} 天，且起日不晚于止日", "At most {days} days at a time, from the first to the last"),
)
STATEMENT_NOT_IN_STATE = ProblemType(
    "statement_not_in_state",
    409,
    ("对账单状态不允许", "Not in this state"),
    ("对账单为 {state}，不能{act_zh}", "The statement is {state}; it cannot be {act} now"),
)
BREAK_UNKNOWN = ProblemType(
    "exception_unknown",
    404,
    ("差错不存在", "No such exception"),
    ("没有差错 {break_id}", "There is no exception {break_id}"),
)
BREAK_NOT_IN_STATE = ProblemType(
    "exception_not_in_state",
    409,
    ("差错状态不允许", "Not in this state"),
    ("差错为 {state}，不能{act_zh}", "The exception is {state}; it cannot be {act} now"),
)
RESOLUTION_NOT_POSSIBLE = ProblemType(
    "resolution_not_possible",
    409,
    ("不能这样处理", "This resolution is not possible"),
    (
        "差错“{kind_zh}”可以：{possible}；不能 {resolution}",
        "An exception {kind} can be resolved by {possible}, not by {resolution}",
    ),
)
