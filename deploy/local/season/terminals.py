"""The card terminals of the counters, and the acquirer behind them, who prints what they did on a day.

    合计,<lines>,<yuan net of what went back>
    终端号,批次号,凭证号,原批次号,原凭证号,交易时间,金额(元),交易类型

In GBK. A line for each slip, whatever bills it pays; 退货 has a slip of its own and names the sale as its original.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

Act = dict[str, Any]
_HEADINGS = "终端号,批次号,凭证号,原批次号,原凭证号,交易时间,金额(元),交易类型"


@dataclass(frozen=True)
class Slip:
    """A sale, or money put back on its card (below 0)."""

    terminal_no: str
    batch_no: str
    trace_no: str
    at: str
    amount_fen: int
    original: tuple[str, str] = ("", "")  # batch and trace of the sale

    @property
    def line(self) -> str:
        """As the acquirer prints it."""
        word = "消费" if self.amount_fen > 0 else "退货"
        at = self.at[:19].replace("T", " ")
        numbers = ",".join((self.terminal_no, self.batch_no, self.trace_no, *self.original))
        return f"{numbers},{at},{yuan(abs(self.amount_fen))},{word}"


class Terminals:
    """All terminals of the halls."""

    def __init__(self) -> None:
        self._days: dict[str, list[Slip]] = defaultdict(list)
        self._sales: dict[str, Slip] = {}  # collection_id -> the slip that paid it

    def charge(self, act: Act, collection_ids: Sequence[str], amount_fen: int) -> None:
        """A card is charged for one or several bills."""
        sale = Slip(act["terminal_no"], act["batch_no"], act["trace_no"], act["at"], amount_fen)
        self._days[act["at"][:10]].append(sale)
        self._sales |= dict.fromkeys(collection_ids, sale)

    def put_back(self, act: Act, collection_id: str, amount_fen: int) -> None:
        """Money goes back to the card that paid a collection."""
        sale = self._sales[collection_id]
        own = (act["at"][2:10].replace("-", ""), f"{act['n'] % 1_000_000:06d}")
        original = (sale.batch_no, sale.trace_no)
        self._days[act["at"][:10]].append(Slip(sale.terminal_no, *own, act["at"], -amount_fen, original))

    def statement(self, day: str) -> bytes | None:
        """The acquirer's file of a day; None where no terminal was used."""
        slips = self._days.get(day)
        if not slips:
            return None
        net_fen = sum(slip.amount_fen for slip in slips)
        head = f"合计,{len(slips)},{yuan(net_fen)}"
        return "".join(f"{line}\n" for line in (head, _HEADINGS, *(slip.line for slip in slips))).encode("gbk")


def yuan(fen: int) -> str:
    """Fen as banks write money."""
    return f"{'-' if fen < 0 else ''}{abs(fen) // 100}.{abs(fen) % 100:02d}"
