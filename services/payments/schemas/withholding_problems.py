"""The problems of agreements and batches of withholding."""

from shared.problem import ProblemType

AGREEMENT_UNKNOWN = ProblemType(
    "agreement_unknown",
    404,
    ("代扣协议不存在", "No such agreement"),
    ("没有代扣协议 {agreement_id}", "There is no agreement {agreement_id}"),
)
AGREEMENT_REFUSED = ProblemType(
    "agreement_refused",
    409,
    ("代扣协议不能登记", "The agreement cannot be recorded"),
    ("{detail}", "The agreement cannot be recorded: {reason}"),
)
AGREEMENT_WITHDRAWN = ProblemType(
    "agreement_withdrawn",
    409,
    ("代扣协议已解除", "The agreement was withdrawn"),
    ("代扣协议 {agreement_no} 已解除", "Agreement {agreement_no} was withdrawn before"),
)
WITHHOLDING_UNKNOWN = ProblemType(
    "withholding_unknown",
    404,
    ("代扣批次不存在", "No such batch"),
    ("没有代扣批次 {withholding_id}", "There is no batch {withholding_id}"),
)
NO_WITHHOLDING = ProblemType(
    "bank_does_not_withhold",
    409,
    ("该银行未开通代扣", "This bank does not withhold"),
    ("银行 {institution} 未开通批量代扣", "Bank {institution} is not set up for withholding"),
)
NOTHING_TO_WITHHOLD = ProblemType(
    "nothing_to_withhold",
    409,
    ("没有可代扣的应缴单", "Nothing to withhold"),
    (
        "{day} 没有协议有效、待缴且未在其他批次或订单中的应缴单",
        "On {day} no open bill with an agreement in force is free of other batches and orders",
    ),
)
WITHHOLDING_NOT_IN_STATE = ProblemType(
    "withholding_not_in_state",
    409,
    ("代扣批次状态不允许", "Not in this state"),
    ("代扣批次为 {state}，不能{act_zh}", "The batch is {state}; it cannot be {act} now"),
)
DEBIT_DAY_OVER = ProblemType(
    "debit_day_over",
    409,
    ("扣款日已过", "The day of the debit is over"),
    ("扣款日 {day} 已过，请取消本批后重新组批", "{day} is over; cancel this batch and build another"),
)
RETURN_UNKNOWN = ProblemType(
    "return_unknown",
    404,
    ("回盘文件不存在", "No such return file"),
    ("批次没有第 {return_no} 个回盘文件", "The batch has no return file {return_no}"),
)
RETURN_UNREADABLE = ProblemType(
    "return_unreadable",
    422,
    ("回盘文件无法读取", "The return file cannot be read"),
    ("{reason}", "The file is not a whole return file of this bank: {reason}"),
)
RETURN_OF_ANOTHER_BATCH = ProblemType(
    "return_of_another_batch",
    422,
    ("回盘文件不是本批次的", "The file is of another batch"),
    (
        "文件 {file_name} 不是批次 {batch_no} 的回盘文件",
        "{file_name} is not a return file of batch {batch_no}",
    ),
)
RETURN_SUPERSEDED = ProblemType(
    "return_superseded",
    409,
    ("已有最终回盘文件", "The final file has come"),
    (
        "本批次的最终回盘文件已到，不再接收中间文件",
        "The final file of this batch has come; an interim one is not taken",
    ),
)
RETURN_NOT_IN_STATE = ProblemType(
    "return_not_in_state",
    409,
    ("回盘文件状态不允许", "Not in this state"),
    ("回盘文件为 {state}，无需复核", "The return file is {state}; there is nothing to judge"),
)
