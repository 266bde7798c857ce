"""What a simulated bank knows: its own journal of payments and reversals, its payouts, and the day's check file.

The check file is text in UTF-8 with `|` between the fields and a line end after every line:

    交易笔数|总金额
    交易日期|交易流水号|客户编号|缴费金额|二级渠道|交易类型

without headings. The first line counts the lines below it and gives the payments less the reversals, in yuan with
two decimals. 交易日期 is YYYYMMDD; 客户编号 is the number of the bill; 交易类型 is `1` for a payment and `2` for a
reversal (冲正), whose serial is its own. A payment that was reversed before it arrived stands in it neither as the one
nor as the other. Faults on demand: `unknown_line` (a payment nobody made), `wrong_amount` (a line one yuan too high;
both are also in the first line), `cut_end` (the file ends in the middle of its last line).
"""

import json
from collections.abc import Collection, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

STATEMENT_FAULTS = frozenset({"unknown_line", "wrong_amount", "cut_end"})


@dataclass
class Entry:
    """A row of the bank's journal. `kind`: pay · reverse · debit (withheld from an account, told of by file).

    `state`: open (outcome unknown) · booked · refused · reversed.
    """

    institution: str
    day: str
    seq: str
    kind: str
    bill_no: str
    amount_fen: int
    account: str
    sub_channel: str
    state: str = "open"
    original_seq: str = ""
    outcome: str = ""


@dataclass
class Payout:
    """Money that the biller ordered back."""

    institution: str
    refund_no: str
    original_day: str
    original_seq: str
    amount_fen: int
    state: str
    reason: str = ""


class Books:
    """The bank's books; kept in a file of one JSON object per line where a path is given, the last line counts."""

    def __init__(self, path: Path | None = None) -> None:
        self._path = path
        self.entries: dict[tuple[str, str, str], Entry] = {}
        self.payouts: dict[tuple[str, str], Payout] = {}
        self._last_seq: dict[tuple[str, str], int] = {}
        for line in path.read_text(encoding="utf-8").splitlines() if path and path.exists() else ():
            said = json.loads(line)
            kept: Entry | Payout = Entry(**said) if "kind" in said else Payout(**said)
            self._place(kept)

    def keep(self, record: Entry | Payout) -> None:
        """Put a record in, or write its change down."""
        self._place(record)
        if self._path:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            with self._path.open("a", encoding="utf-8") as file:
                file.write(json.dumps(asdict(record), ensure_ascii=False) + "\n")

    def next_seq(self, institution: str, day: str) -> str:
        """A serial of 12 digits, new on that day."""
        self._last_seq[institution, day] = self._last_seq.get((institution, day), 0) + 1
        return f"{self._last_seq[institution, day]:012d}"

    def paid_for(self, institution: str, bill_no: str) -> Entry | None:
        """The last payment for a bill that stands."""
        standing = [entry for entry in self._of(institution) if entry.bill_no == bill_no and entry.kind == "pay"]
        return next((entry for entry in reversed(standing) if entry.state == "booked"), None)

    def pool_of_day(self, institution: str, day: str) -> str | None:
        """Whose premiums the bank collected on a day; the local run has one pool at a time."""
        return next((entry.bill_no[:6] for entry in self._of(institution) if entry.day == day), None)

    def totals(self, institution: str, day: str) -> tuple[int, int, int, int]:
        """Count and fen of the payments of a day, count and fen of the reversals."""
        lines = list(self._lines(institution, day))
        paid = [entry.amount_fen for entry in lines if entry.kind == "pay"]
        reversed_ = [entry.amount_fen for entry in lines if entry.kind == "reverse"]
        return len(paid), sum(paid), len(reversed_), sum(reversed_)

    def statement(self, institution: str, day: str, faults: Collection[str]) -> str:
        """The check file of a day."""
        lines: list[list[str | int]] = [
            [e.day, e.seq, e.bill_no, e.amount_fen, e.sub_channel, "2" if e.kind == "reverse" else "1"]
            for e in self._lines(institution, day)
        ]
        if "unknown_line" in faults:
            pool = str(lines[0][2])[:6] if lines else "000000"
            lines.append([day, "9" * 12, f"{pool}{'0' * 16}", 32000, "APP", "1"])
        first_paid = next((line for line in lines if line[5] == "1"), None)
        if "wrong_amount" in faults and first_paid:
            first_paid[3] = int(first_paid[3]) + 100
        total = sum(int(line[3]) if line[5] == "1" else -int(line[3]) for line in lines)
        rows = [f"{len(lines)}|{yuan(total)}"]
        rows += ["|".join([*map(str, line[:3]), yuan(int(line[3])), *map(str, line[4:])]) for line in lines]
        text = "".join(f"{row}\n" for row in rows)
        return text[: -len(rows[-1]) // 2] if "cut_end" in faults and lines else text

    def _place(self, record: Entry | Payout) -> None:
        if isinstance(record, Entry):
            self.entries[record.institution, record.day, record.seq] = record
            if record.kind == "debit":
                return  # its serial is that of its batch
            before = self._last_seq.get((record.institution, record.day), 0)
            self._last_seq[record.institution, record.day] = max(before, int(record.seq))
        else:
            self.payouts[record.institution, record.refund_no] = record

    def _of(self, institution: str) -> list[Entry]:
        return [entry for entry in self.entries.values() if entry.institution == institution]

    def _lines(self, institution: str, day: str) -> Iterator[Entry]:
        """What happened: payments that were booked, reversed or not, and the reversals of booked ones."""
        for entry in sorted(self._of(institution), key=lambda entry: entry.seq):
            happened = entry.state in (("booked", "reversed") if entry.kind == "pay" else ("booked",))
            if entry.day == day and happened:
                yield entry


def yuan(amount_fen: int) -> str:
    """Fen as the bank writes money."""
    sign, amount = ("-" if amount_fen < 0 else ""), abs(amount_fen)
    return f"{sign}{amount // 100}.{amount % 100:02d}"
