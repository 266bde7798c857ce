"""Agents' ledgers (代收台账, S004-24…26): what may be written into the book, and when it is closed. No I/O."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from enum import StrEnum

from shared.graph import Graph


class LedgerStatus(StrEnum):
    """台账: from the first page to the last fen handed over."""

    OPEN = "open"
    CLOSED = "closed"
    REMITTED = "remitted"


class LedgerAct(StrEnum):
    """What happens to a ledger: the agent records, the head of the agency closes, a confirmed slip takes the rest."""

    OPEN = "open"
    RECORD = "record"
    CLOSE = "close"
    REMIT = "remit"


LEDGER_TRANSITIONS = Graph(
    LedgerStatus,
    LedgerAct,
    {
        (None, LedgerAct.OPEN): LedgerStatus.OPEN,
        (LedgerStatus.OPEN, LedgerAct.RECORD): LedgerStatus.OPEN,
        (LedgerStatus.OPEN, LedgerAct.CLOSE): LedgerStatus.CLOSED,
        (LedgerStatus.CLOSED, LedgerAct.REMIT): LedgerStatus.REMITTED,
    },
)
"""Every way a ledger begins (from None) and changes; drawn in docs/agents.md. Slips are confirmed meanwhile, too."""


class LineKind(StrEnum):
    """What a line is: money taken, a contrary line that takes one back, or a number that was spoiled (作废)."""

    PAYMENT = "payment"
    CONTRARY = "contrary"
    SPOILED = "spoiled"


class LineFault(StrEnum):
    """Why a line is not written into the book. It comes back; mended, it may come again under its number."""

    LINE_NO_REUSED = "line_no_reused"
    LEDGER_CLOSED = "ledger_closed"
    HASH_DIFFERS = "hash_differs"
    SIGNER_DIFFERS = "signer_differs"
    SIGNATURE_INVALID = "signature_invalid"
    SIGNED_IN_FUTURE = "signed_in_future"
    PAID_IN_FUTURE = "paid_in_future"
    LINE_UNKNOWN = "line_unknown"
    NOT_A_PAYMENT = "not_a_payment"
    ALREADY_CONTRARY = "already_contrary"
    HANDED_OVER = "handed_over"
    PAID_BACK = "paid_back"
    RECEIPT_FOREIGN = "receipt_foreign"
    RECEIPT_USED = "receipt_used"


@dataclass(frozen=True)
class BookLine:
    """A line that stands in the book. The last three are about a payment line: taken back, on a slip, refunded."""

    kind: LineKind
    line_hash: str
    payer_name: str | None
    contrary: bool = False
    handed_over: bool = False
    paid_back: bool = False


@dataclass(frozen=True)
class OfferedLine:
    """A line as the agent sends it: the hash of what it says, and what is wrong with its signatures or days.

    `payer_name` is the payer of a payment line; of a contrary line it is who signed as payer.
    """

    line_no: int
    kind: LineKind
    line_hash: str
    payer_name: str | None
    contrary_of: int | None
    fault: LineFault | None


@dataclass(frozen=True)
class LineVerdict:
    """Whether a line stands already (`known`), is to be written, or is refused for `fault`."""

    known: bool
    fault: LineFault | None


def judge_lines(
    status: LedgerStatus, book: Mapping[int, BookLine], offered: Sequence[OfferedLine]
) -> list[LineVerdict]:
    """Judge lines in their order against the book; each sees those before it. `book` holds whatever they refer to.

    What stands already is answered again, whatever has become of the ledger since: an offline batch may come twice, in
    halves and out of order. A contrary line needs the money to be still in the agent's hands.
    """
    written = dict(book)
    verdicts = []
    for line in offered:
        standing = written.get(line.line_no)
        if standing:
            same = standing.line_hash == line.line_hash
            verdicts.append(LineVerdict(same, None if same else LineFault.LINE_NO_REUSED))
            continue
        fault = _fault(status, written, line)
        verdicts.append(LineVerdict(False, fault))
        if fault is None:
            written[line.line_no] = BookLine(line.kind, line.line_hash, line.payer_name)
            if line.contrary_of is not None:
                written[line.contrary_of] = replace(written[line.contrary_of], contrary=True)
    return verdicts


def _fault(status: LedgerStatus, book: Mapping[int, BookLine], line: OfferedLine) -> LineFault | None:
    """The ladder of refusals, in order of precedence."""
    if (status, LedgerAct.RECORD) not in LEDGER_TRANSITIONS:
        return LineFault.LEDGER_CLOSED
    if line.fault or line.contrary_of is None:
        return line.fault
    target = book.get(line.contrary_of)
    if target is None:
        return LineFault.LINE_UNKNOWN
    if target.kind is not LineKind.PAYMENT:
        return LineFault.NOT_A_PAYMENT
    if target.payer_name != line.payer_name:
        return LineFault.SIGNER_DIFFERS
    if target.contrary:
        return LineFault.ALREADY_CONTRARY
    if target.handed_over:
        return LineFault.HANDED_OVER
    return LineFault.PAID_BACK if target.paid_back else None


def instants_fault(paid_at: datetime | None, signed_at: Sequence[datetime], now: datetime) -> LineFault | None:
    """Nobody pays or signs tomorrow: a day mask is judged by `paid_at`, so it must have been (S004-07)."""
    if paid_at is not None and paid_at > now:
        return LineFault.PAID_IN_FUTURE
    return LineFault.SIGNED_IN_FUTURE if any(instant > now for instant in signed_at) else None


def may_close(today: date, last_day: date | None) -> bool:
    """A ledger is verified after the payment period of its bills (S004-26); without bills there is none to wait for."""
    return last_day is None or today > last_day


def in_words(fen: int) -> str:
    """An amount in the capital numerals of a ledger (大写金额): 30000 → 叁佰元整.

    Raises ValueError beyond a trillion yuan.
    """
    yuan, rest = divmod(abs(fen), 100)
    jiao, cents = divmod(rest, 10)
    words = "负" * (fen < 0) + (f"{_whole(yuan)}元" if yuan or not rest else "")
    if not rest:
        return words + "整"
    tenth = f"{_DIGITS[jiao]}角" if jiao else "零" * bool(yuan)
    return words + tenth + (f"{_DIGITS[cents]}分" if cents else "整")


def _whole(yuan: int) -> str:
    if yuan >= 10**12:
        raise ValueError(f"{yuan} yuan is more than a ledger can say")
    words, gap = "", False
    for power, name in ((10**8, "亿"), (10**4, "万"), (1, "")):
        group = yuan // power % 10_000
        if group:
            # A zero is said once between groups where thousands are missing.
            words += "零" * bool(words and (gap or group < 1000)) + _group(group) + name
        gap = not group
    return words or "零"


def _group(number: int) -> str:
    words, gap = "", False
    for power, name in ((1000, "仟"), (100, "佰"), (10, "拾"), (1, "")):
        digit = number // power % 10
        if digit:
            words += "零" * bool(words and gap) + _DIGITS[digit] + name
        gap = not digit
    return words


_DIGITS = "零壹贰叁肆伍陆柒捌玖"
