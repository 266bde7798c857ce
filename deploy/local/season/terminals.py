"""The card terminals of the counters, and the acquirer behind them, who prints what they did on a day.

    合计,<lines>,<yuan net of what went back>
    终端号,参考号,交易时间,金额(元),交易类型

A line for each slip, whatever bills it pays. 退货 is made at any terminal and has the sale's own numbers.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

Act = dict[str, Any]
_HEADINGS = "终端号,参考号,交易时间,金额(元),交易类型"


@dataclass(frozen=True)
class Slip:
    """A sale, or money put back on its card (below 0)."""

    terminal_no: str
    reference_no: str
    at: str
    amount_fen: int

    @property
    def line(self) -> str:
        """As the acquirer prints it."""
        word = "消费" if self.amount_fen > 0 else "退货"
        at = self.at[:19].replace("T", " ")
        return f"{self.terminal_no},{self.reference_no},{at},{yuan(abs(self.amount_fen))},{word}"


class Terminals:
    """All terminals of the halls."""

    def __init__(self) -> None:
        self._days: dict[str, list[Slip]] = defaultdict(list)
        self._sales: dict[str, Slip] = {}  # collection_id -> the slip that paid it

    def charge(self, act: Act, collection_ids: Sequence[str], amount_fen: int) -> None:
        """A card is charged for one or several bills."""
        sale = Slip(act["terminal_no"], act["reference_no"], act["at"], amount_fen)
        self._days[act["at"][:10]].append(sale)
        self._sales |= dict.fromkeys(collection_ids, sale)

    def put_back(self, act: Act, collection_id: str, amount_fen: int) -> None:
        """Money goes back to the card that paid a collection."""
        sale = self._sales[collection_id]
        self._days[act["at"][:10]].append(Slip(sale.terminal_no, sale.reference_no, act["at"], -amount_fen))

    def statement(self, day: str) -> bytes | None:
        """The acquirer's file of a day; None where no terminal was used."""
        slips = self._days.get(day)
        if not slips:
            return None
        net_fen = sum(slip.amount_fen for slip in slips)
        head = f"合计,{len(slips)},{yuan(net_fen)}"
        return "".join(f"{line}\n" for line in (head, _HEADINGS, *(slip.line for slip in slips))).encode()


def yuan(fen: int) -> str:
    """Fen as banks write money."""
    return f"{'-' if fen < 0 else ''}{abs(fen) // 100}.{abs(fen) % 100:02d}"
