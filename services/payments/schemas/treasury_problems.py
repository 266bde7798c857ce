"""The problems of the treasury's packages, of vouchers and of refunds through the treasury."""

from shared.problem import ProblemType

TREASURY_NOT_SET_UP = ProblemType(
    "treasury_not_set_up",
    409,
    ("未配置国库", "The treasury is not set up"),
    (
        "本系统未配置国库（PAYMENTS_TREASURY），或未配置统筹区 {pool} 的征收机关",
        "PAYMENTS_TREASURY is not set, or names no office of pool {pool}",
    ),
)
PACKAGE_UNREADABLE = ProblemType(
    "treasury_package_unreadable",
    422,
    ("报文无法读取", "The package cannot be read"),
    ("{reason}；请向国库索取原报文", "It is no package of the treasury: {reason}; fetch it again"),
)
TRAILER_WRONG = ProblemType(
    "treasury_trailer_wrong",
    422,
    ("报文校验码不符", "The trailer is wrong"),
    (
        "{reason}；文件可能被改动或截断，也可能密钥不符",
        "{reason}: the file was altered or cut off, or the key is another",
    ),
)
PACKAGE_OF_ANOTHER_POOL = ProblemType(
    "treasury_package_of_another_pool",
    422,
    ("报文不属于本统筹区", "The package is of another pool"),
    (
        "征收机关 {office} 不是统筹区 {pool} 的征收机关，请核对 PAYMENTS_TREASURY 的 offices",
        "Office {office} is none of pool {pool}'s; check `offices` of PAYMENTS_TREASURY",
    ),
)
ANSWER_WITHOUT_PACKAGE = ProblemType(
    "treasury_answer_without_package",
    422,
    ("回执没有对应的退库包", "There is no package that this answers"),
    (
        "没有 {day} 的退库包 {pack_no}，请核对统筹区和报文",
        "There is no package {pack_no} of {day}; check the pool and the message",
    ),
)
PACKAGE_UNKNOWN = ProblemType(
    "treasury_package_unknown",
    404,
    ("国库报文不存在", "No such package"),
    ("没有国库报文 {package_id}", "There is no package {package_id}"),
)
REFUND_PACKAGE_ENDED = ProblemType(
    "refund_package_ended",
    409,
    ("退库包已了结", "The package of refunds has ended"),
    (
        "退库包 {package_id} 现为 {state}，不能再交国库；未退成的退款请重新发起，会编入新的退库包",
        "Package {package_id} is {state} and goes to the treasury no more; order what failed anew, in a new package",
    ),
)
VOUCHER_UNKNOWN = ProblemType(
    "voucher_unknown",
    404,
    ("缴款凭证不存在", "No such voucher"),
    ("没有凭证 {voucher_id}，或已撤回", "There is no voucher {voucher_id}, or it was withdrawn"),
)
VOUCHER_KNOWN = ProblemType(
    "voucher_known",
    409,
    ("凭证号已使用", "The voucher is known"),
    ("凭证 {voucher_no} 已登记，先撤回才能重新登记", "Voucher {voucher_no} is recorded; withdraw it first"),
)
VOUCHER_COVERS_NOTHING = ProblemType(
    "voucher_covers_nothing",
    422,
    ("凭证没有对应的缴费", "The voucher covers nothing"),
    ("所给范围内没有尚未划缴的缴费", "There is no money in what is named that is not under a voucher already"),
)
VOUCHER_AMOUNT_DIFFERS = ProblemType(
    "voucher_amount_differs",
    422,
    ("凭证金额不符", "The amount is another"),
    (
        "凭证金额 {amount_fen} 分，所含 {count} 笔缴费合计 {sum_fen} 分；请核对范围，差额先查明",
        "The voucher is over {amount_fen} fen, its {count} payments sum to {sum_fen}; find the difference first",
    ),
)
ALREADY_UNDER_VOUCHER = ProblemType(
    "already_under_voucher",
    409,
    ("缴费已在其他凭证内", "Under a voucher already"),
    (
        "缴费 {collection_id} 不能列入：已在其他凭证内、已冲正，或不属于本统筹区",
        "{collection_id} cannot be covered: it is under another voucher, was reversed, or is of another pool",
    ),
)
NOT_POSTED = ProblemType(
    "treasury_day_not_posted",
    409,
    ("该日尚未入库", "That day is not posted"),
    (
        "征收机关 {office} 在 {posted_on} 没有已接受的入库明细（3126）",
        "There is no accepted 3126 of office {office} for {posted_on}",
    ),
)
REMITTED_AMOUNT_DIFFERS = ProblemType(
    "remitted_amount_differs",
    422,
    ("上解金额不符", "The amount is another"),
    ("上解 {amount_fen} 分，当日入库 {posted_fen} 分", "Remitted are {amount_fen} fen, posted were {posted_fen}"),
)
REMITTED_KNOWN = ProblemType(
    "remitted_known",
    409,
    ("该日上解已登记", "Already recorded"),
    (
        "征收机关 {office} {posted_on} 的上解已登记，先撤回才能重新登记",
        "What office {office} posted on {posted_on} is recorded as remitted; withdraw that first",
    ),
)
REMITTED_UNKNOWN = ProblemType(
    "remitted_unknown",
    404,
    ("上解登记不存在", "No such record"),
    ("没有上解登记 {remitted_id}，或已撤回", "There is no record {remitted_id}, or it was withdrawn"),
)
ACCOUNT_NEEDED = ProblemType(
    "refund_account_needed",
    409,
    ("缺少收款账户", "The payee's account is missing"),
    (
        "退库须先登记申请 {application_id} 的收款账户（PUT /v1/refund-accounts/{application_id}）",
        "Record the account of {application_id} first (PUT /v1/refund-accounts/{application_id})",
    ),
)
ACCOUNT_UNCONFIRMED = ProblemType(
    "refund_account_unconfirmed",
    409,
    ("收款账户尚未复核", "The payee's account is not confirmed"),
    (
        "申请 {application_id} 的收款账户须由登记人以外的人复核（POST /v1/refund-accounts/{application_id}/confirm）",
        "The account of {application_id} waits for a second person: POST /v1/refund-accounts/{application_id}/confirm",
    ),
)
ACCOUNT_IN_USE = ProblemType(
    "refund_account_in_use",
    409,
    ("收款账户已在使用", "The account is in use"),
    (
        "申请 {application_id} 的退款正按此账户办理，不能更改",
        "A refund of {application_id} is on its way to this account; it cannot change now",
    ),
)
ACCOUNT_UNKNOWN = ProblemType(
    "refund_account_unknown",
    404,
    ("没有收款账户", "No such account"),
    ("申请 {application_id} 没有登记收款账户", "No account is recorded for application {application_id}"),
)
