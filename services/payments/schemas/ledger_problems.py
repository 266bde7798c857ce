"""The problems of ledgers, slips and claims."""

from shared.problem import ProblemType

FOUR_EYES = ProblemType(
    "four_eyes",
    409,
    ("须由另一人办理", "Another person has to do this"),
    (
        "{subject} 已经手本笔业务，须由另一人办理",
        "{subject} has had a hand in this already; another person has to do it",
    ),
)
DEVICE_UNKNOWN = ProblemType(
    "device_unknown",
    404,
    ("设备不存在", "No such device"),
    ("本人名下没有设备 {device_id}", "You have no device {device_id}"),
)
DEVICE_KEY_FAULTY = ProblemType(
    "device_key_faulty",
    422,
    ("公钥无效", "The public key is not valid"),
    ("公钥应为 Ed25519 公钥 32 字节的 base64", "A public key is an Ed25519 key, 32 bytes in base64"),
)
DEVICE_KEY_TAKEN = ProblemType(
    "device_key_taken",
    409,
    ("公钥已登记", "The public key is registered"),
    ("该公钥已登记过，请在设备上另生成密钥", "This public key was registered before; make a new one on the device"),
)
LEDGER_UNKNOWN = ProblemType(
    "ledger_unknown",
    404,
    ("台账不存在", "No such ledger"),
    ("没有台账 {ledger_id}", "There is no ledger {ledger_id}"),
)
LEDGER_OPEN = ProblemType(
    "ledger_already_open",
    409,
    ("已有未结台账", "There is an open ledger"),
    ("本人在单位 {unit_code} 已有未结台账，请继续使用", "You have an open ledger for unit {unit_code}; go on with it"),
)
LEDGER_OF_ANOTHER = ProblemType(
    "ledger_of_another",
    403,
    ("不是本人台账", "Not your ledger"),
    ("台账 {ledger_id} 由 {agent} 登记", "Ledger {ledger_id} is kept by {agent}"),
)
LEDGER_CLOSED = ProblemType(
    "ledger_closed",
    409,
    ("台账已结", "The ledger is closed"),
    ("台账 {ledger_id} 已核实签字", "Ledger {ledger_id} was verified and signed"),
)
WINDOW_OPEN = ProblemType(
    "window_still_open",
    409,
    ("征缴期未结束", "The payment period has not ended"),
    (
        "台账在征缴期结束后核实签字，征缴期至 {last_day}",
        "A ledger is verified after the period, which ends on {last_day}",
    ),
)
LEDGER_GAPS = ProblemType(
    "ledger_has_gaps",
    409,
    ("台账缺行", "Lines are missing"),
    ("台账缺少第 {missing} 行，请补报或作废后再核实", "Lines {missing} are missing; send them or mark them as spoiled"),
)
FIGURES_DIFFER = ProblemType(
    "figures_differ",
    409,
    ("所报数字与台账不符", "The figures differ from the ledger"),
    ("所报数字与台账不符，见 errors", "What was stated differs from the ledger, see errors"),
)
SIGNATURE_REFUSED = ProblemType(
    "signature_refused",
    409,
    ("签字无效", "The signature is not valid"),
    (
        "签字须由办理人本人以已登记设备或签字影像作出，且不晚于当前时间",
        "The acting person signs, by a registered device or an image, and not in the future",
    ),
)
SLIP_UNKNOWN = ProblemType(
    "slip_unknown",
    404,
    ("缴款单不存在", "No such slip"),
    ("没有缴款单 {remittance_id}", "There is no slip {remittance_id}"),
)
NOT_REMITTABLE = ProblemType(
    "not_remittable",
    409,
    ("不能列入缴款单", "Cannot stand in this slip"),
    ("{count} 项不能列入缴款单，见 errors", "{count} item(s) cannot stand in this slip, see errors"),
)
TOTAL_DIFFERS = ProblemType(
    "total_differs",
    409,
    ("合计不符", "The total differs"),
    (
        "所列合计 {found_fen} 分，所报 {stated_fen} 分",
        "What is listed comes to {found_fen} fen, {stated_fen} was stated",
    ),
)
BANK_REFERENCE_USED = ProblemType(
    "bank_reference_used",
    409,
    ("银行凭证号已使用", "The bank's number was used before"),
    ("银行凭证 {bank_reference} 已用于另一笔", "The bank's slip {bank_reference} stands for other money already"),
)
DAY_AHEAD = ProblemType(
    "day_in_future",
    422,
    ("日期在将来", "The day lies in the future"),
    ("银行凭证日期 {day} 晚于今日", "The day of the bank's slip, {day}, lies after today"),
)
ALREADY_CHECKED = ProblemType(
    "already_checked",
    409,
    ("已复核", "It was checked before"),
    ("已复核，结果为 {status}", "It was checked before and is {status}"),
)
CLAIM_RECEIPT_UNKNOWN = ProblemType(
    "claim_receipt_unknown",
    404,
    ("到款记录不存在", "No such receipt of a claim"),
    ("没有到款记录 {claim_receipt_id}", "There is no receipt of a claim {claim_receipt_id}"),
)
CLAIM_EXCEEDS_DUE = ProblemType(
    "claim_exceeds_due",
    409,
    ("超过应收", "More than is due"),
    ("{payer} 尚应付 {due_fen} 分，不能登记 {amount_fen} 分", "{payer} owes {due_fen} fen; {amount_fen} is too much"),
)
