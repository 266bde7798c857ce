"""The problems that refunds answers with, and its words in Chinese."""

from collections.abc import Mapping

from shared.problem import ProblemType

from ..rules import Act, Hand, State, Step

APPLICATION_UNKNOWN = ProblemType(
    "application_unknown",
    404,
    ("退费申请不存在", "No such application"),
    ("没有退费申请 {application_id}", "There is no application {application_id}"),
)
COLLECTION_UNKNOWN = ProblemType(
    "collection_unknown",
    404,
    ("缴费记录不存在", "No such collection"),
    ("没有缴费记录 {collection_id}，请核对", "There is no collection {collection_id}; check it"),
)
SCHEME_UNKNOWN = ProblemType(
    "scheme_unknown",
    404,
    ("参保政策不存在", "No such scheme"),
    ("统筹区 {pool} 没有已发布的政策 {scheme}", "No scheme {scheme} is published in pool {pool}"),
)
SCHEME_DIFFERS = ProblemType(
    "scheme_differs",
    422,
    ("政策与缴费记录不符", "The scheme is not the collection's"),
    ("该笔缴费属于 {of_collection}，不属于 {scheme}", "The collection belongs to {of_collection}, not to {scheme}"),
)
ALREADY_APPLIED = ProblemType(
    "already_applied",
    409,
    ("已有退费申请", "There is an application already"),
    (
        "该笔缴费已有退费申请 {application_id}（{state_zh}），请继续办理该申请",
        "Application {application_id} ({state}) stands for this collection; go on with that one",
    ),
)
WRONG_STATE = ProblemType(
    "wrong_state",
    409,
    ("申请状态不允许此操作", "Not in this state"),
    ("申请现为“{state_zh}”，不能{act_zh}", "The application is {state}; that does not go with `{act}`"),
)
FOUR_EYES = ProblemType(
    "four_eyes",
    409,
    ("须由他人办理", "Another person must do this"),
    (
        "{subject} 是本申请的{hand_zh}，不能再{step_zh}，须由他人办理",
        "{subject} stands in `{hand}` of this application and may not {step} it; somebody else must",
    ),
)
NOT_DUE = ProblemType(
    "not_due",
    409,
    ("不符合退费条件", "Nothing is due back"),
    (
        "核验有 {count} 项不符，见 errors，只能退回申请（rejected）",
        "{count} condition(s) do not hold, see errors; the application can only be rejected",
    ),
)
NOTE_NEEDED = ProblemType(
    "note_needed",
    422,
    ("须写明理由", "A reason is needed"),
    (
        "本申请由系统在退费期后发现，或政策没有退费规定，只能由人决定，请在 note 中写明理由",
        "The system found this after the period, or where no rule speaks of refunds; a person decides, and says why",
    ),
)
NOT_ABNORMAL = ProblemType(
    "payout_not_abnormal",
    409,
    ("付款未出现异常", "The payout is not abnormal"),
    (
        "付款现为 {payout_state}，只有渠道退款异常（abnormal）时才能改道",
        "The payout is {payout_state}; it is sent another way only where its channel could not bring it home",
    ),
)
PAID_OTHERWISE = ProblemType(
    "payout_paid_otherwise",
    409,
    ("款项已按其他金额付出", "Another sum was paid"),
    ("不能改道：{detail}", "It cannot go another way: {detail}"),
)
PAYOUT_REFUSED = ProblemType(
    "payout_refused",
    409,
    ("未能付款", "The payout was refused"),
    (
        "收付未予办理（{code}）：{detail}。申请已回到待付款，请处理后以新的 Idempotency-Key 再付",
        "Payments refused ({code}): {detail}. The application is approved as before; mend it and pay under a new key",
    ),
)

STATES: Mapping[str, str] = {
    State.REQUESTED: "待核验",
    State.REFUSED: "不予受理",
    State.CHECKED: "待审批",
    State.APPROVED: "待付款",
    State.PAYING: "付款中",
    State.PAID: "已退费",
    State.REJECTED: "不予退费",
}
ACTS: Mapping[str, str] = {
    Act.CONFIRM: "核验通过",
    Act.REJECT: "核验退回",
    Act.APPROVE: "审批同意",
    Act.DECLINE: "审批退回",
    Act.PAY: "付款",
    Act.RETURN: "改道",
}
STEPS: Mapping[str, str] = {Step.CHECK: "核验", Step.DECIDE: "审批", Step.PAY: "付款", Step.REROUTE: "改道"}
HANDS: Mapping[str, str] = {
    Hand.APPLICANT: "申请受理人",
    Hand.CHECKER: "核验人",
    Hand.DECIDER: "审批人",
    Hand.PAYER: "付款人",
    Hand.REROUTER: "改道决定人",
}
