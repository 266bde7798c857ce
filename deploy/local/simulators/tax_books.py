"""What the simulated tax bureau knows: the payments it has collected, and the list that it prints of each day.

The day list (`GET /control/statement?day=YYYY-MM-DD`) is CSV in UTF-8 with BOM, lines end with CRLF:

    对账日,2021-12-05,总笔数,2,总金额(元),640.00
    电子税票号,缴费时间,应缴单号,金额(元),缴费人,事件号
    314052211200000001,2021-12-05 09:30:00,1405227QK3M9Z5T2WB8XCD,320.00,王小明,TAX-20211205-000001
    …

The first line counts the lines under the headings and gives their sum. 缴费时间 is in Asia/Shanghai, and its day is the
day of the list; amounts are yuan with two decimals and no separators; 缴费人 may be empty; 电子税票号 may stand in
several lines; 事件号 is the `event_id` of the confirmation and stands once. All that was collected on the day stands in
the list, confirmed to payments or not yet. A day on which nothing was collected has a list without lines.

Faults on demand (`&faults=` with commas between): `unknown_line` (a payment that was never confirmed), `wrong_amount`
(the first line is one yuan too high); both are in the totals. `cut_end`: the file ends in the middle of its last line.
"""

import csv
import io
import json
from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any, Literal
from zoneinfo import ZoneInfo

STATEMENT_FAULTS = frozenset({"unknown_line", "wrong_amount", "cut_end"})
HEADINGS = ("电子税票号", "缴费时间", "应缴单号", "金额(元)", "缴费人", "事件号")

SHANGHAI = ZoneInfo("Asia/Shanghai")


@dataclass
class Payment:
    """Money that the bureau has collected. `state`: held (not to be sent yet), due, or answered by payments.

    `told_fen`: the amount that its message says by mistake; not `collected`: the message is all there is of it.
    """

    event_id: str
    voucher_no: str
    bill_no: str
    amount_fen: int
    paid_at: str
    payer_name: str | None
    batch_no: str | None
    state: Literal["held", "due", "answered"] = "due"
    outcome: str = ""
    collection_id: str | None = None
    receipt_no: str | None = None
    reason: str | None = None
    told_fen: int | None = None
    collected: bool = True

    @property
    def moment(self) -> datetime:
        """When the payer paid, in Asia/Shanghai."""
        return datetime.fromisoformat(self.paid_at).astimezone(SHANGHAI)

    def confirmation(self) -> dict[str, Any]:
        """The message to payments."""
        return {
            "event_id": self.event_id,
            "bill_no": self.bill_no,
            "amount_fen": self.told_fen or self.amount_fen,
            "paid_at": self.paid_at,
            "voucher_no": self.voucher_no,
            "payer_name": self.payer_name,
        }

    def take(self, answer: Mapping[str, Any]) -> None:
        """Note what payments said."""
        self.state = "answered"
        self.outcome, self.reason = answer["outcome"], answer["reason"]
        self.collection_id, self.receipt_no = answer.get("collection_id"), answer.get("receipt_no")


class Books:
    """The bureau's books; kept in a file of one JSON object per line where a path is given, the last line counts."""

    def __init__(self, path: Path | None = None) -> None:
        self._path = path
        self.payments: dict[str, Payment] = {}
        for line in path.read_text(encoding="utf-8").splitlines() if path and path.exists() else ():
            kept = Payment(**json.loads(line))
            self.payments[kept.event_id] = kept

    def keep(self, *payments: Payment) -> None:
        """Put payments in, or write their changes down."""
        self.payments |= {payment.event_id: payment for payment in payments}
        if self._path:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            with self._path.open("a", encoding="utf-8") as file:
                file.writelines(json.dumps(asdict(payment), ensure_ascii=False) + "\n" for payment in payments)

    def in_state(self, state: str) -> list[Payment]:
        """The payments in a state, as they came."""
        return [payment for payment in self.payments.values() if payment.state == state]

    def number(self) -> int:
        """The number of the next payment."""
        return len(self.payments) + 1

    def statement(self, day: date, faults: Collection[str]) -> bytes:
        """The list of a day."""
        lines: list[list[str | int]] = [
            [payment.voucher_no, f"{payment.moment:%Y-%m-%d %H:%M:%S}", payment.bill_no, payment.amount_fen,
             payment.payer_name or "", payment.event_id]
            for payment in sorted(self.payments.values(), key=lambda payment: (payment.moment, payment.event_id))
            if payment.moment.date() == day and payment.collected
        ]  # fmt: skip
        if "wrong_amount" in faults and lines:
            lines[0][3] = _fen(lines[0]) + 100
        if "unknown_line" in faults:
            bill_no = f"{str(lines[0][2])[:6]}{'0' * 16}" if lines else "0" * 22
            lines.append(["9" * 18, f"{day} 23:59:59", bill_no, 32000, "", f"TAX-{day:%Y%m%d}-UNKNOWN"])
        total = ["对账日", f"{day}", "总笔数", len(lines), "总金额(元)", yuan(sum(_fen(line) for line in lines))]
        text = io.StringIO()
        csv.writer(text).writerows([total, HEADINGS, *([*line[:3], yuan(_fen(line)), *line[4:]] for line in lines)])
        printed = text.getvalue().encode("utf-8-sig")
        if "cut_end" in faults and lines:
            last = printed.rstrip(b"\r\n").rfind(b"\r\n") + 2
            return printed[: (last + len(printed)) // 2]
        return printed


def yuan(amount_fen: int) -> str:
    """Fen as the bureau writes money."""
    return f"{amount_fen // 100}.{amount_fen % 100:02d}"


def _fen(line: list[str | int]) -> int:
    return int(line[3])
