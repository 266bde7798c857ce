"""What is not taken while the payer still holds the money: the counter and the channels that ask first judge alike."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from shared.problem import FieldError

from .. import rules


@dataclass(frozen=True)
class Fault:
    """Why a bill cannot be paid now: which item, why, and the notice's rules behind it."""

    error: FieldError
    rules: tuple[str, ...]


def fault_of(
    bill: Mapping[str, Any] | None, amount_fen: int, day: date, pointer: str, *, scheme: str | None = None
) -> Fault | None:
    """Why this amount is not taken for a bill on `day`; None where it settles the bill.

    `pointer` names the item, `scheme` is what the payer means to pay for, where that was said.
    """
    window = rules.Window.of(bill["window"]) if bill else None
    known = (
        rules.Bill(bill["bill_no"], rules.BillStatus(bill["status"]), bill["amount_fen"], window, bill["scheme"])
        if bill and window
        else None
    )
    reason = rules.judge(known, amount_fen, day, frozenset({scheme}) if scheme else None).reason
    if reason is None:
        return None
    error = FieldError(pointer=pointer, code=reason, detail=REFUSALS[reason])
    if reason is rules.Reason.WRONG_SCHEME:
        return Fault(error, rules.WRONG_SCHEME_RULES)
    return Fault(error, window.rules_of(reason) if window else ())


REFUSALS: Mapping[rules.Reason, str] = {
    rules.Reason.BILL_UNKNOWN: "没有这张应缴单，请核对单号",
    rules.Reason.BILL_VOIDED: "应缴单已作废，请重新查询",
    rules.Reason.ALREADY_PAID: "应缴单已缴，请勿重复缴费",
    rules.Reason.AMOUNT_DIFFERS: "金额与应缴不符，请按应缴金额收取",
    rules.Reason.OUTSIDE_WINDOW: "不在集中征缴期内，不能收费",
    rules.Reason.CLOSED_DAY: "征缴期内本日不办理缴费，请在开放日缴费",
    rules.Reason.WRONG_SCHEME: "缴费险种与应缴单不符，请选择正确的险种",
    rules.Reason.RECEIPT_FOREIGN: "票据号不在代收人领用的号段内，请核对纸质票据",
    rules.Reason.RECEIPT_USED: "票据号已使用，请核对纸质票据",
}
"""The reasons in words for the payer."""
