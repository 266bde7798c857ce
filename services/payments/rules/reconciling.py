"""Reconciliation (对账), without I/O: what a line of a channel's day statement comes to, what is done about a break.

The codes are those of the treasury's day-end check (protocols §6.2, `chckfg` 0…7) and four of our own. The tolerance
is 0 fen. A file is a claim of the channel, ours a claim of our books: neither is put right by editing it.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from enum import IntEnum, StrEnum

from shared.codes import Channel
from shared.graph import Graph
from shared.identity import normal_name

_MASKED = re.compile(r"[*＊]+|[^*＊]+")


class LineKind(StrEnum):
    """What a line of a statement is about."""

    PAYMENT = "payment"
    REVERSAL = "reversal"  # 冲正, 撤销: quotes the reference of its payment
    REFUND = "refund"  # 退款: has a number of its own


class LineStatus(StrEnum):
    """What the channel says became of it."""

    SUCCESS = "success"
    OPEN = "open"  # accepted, its end not known yet: a refund on its way
    FAILED = "failed"
    UNKNOWN = "unknown"


class Result(IntEnum):
    """What a line comes to, compared with our books."""

    PENDING = 0
    MATCHED = 1
    AMOUNT_DIFFERS = 2
    CHANNEL_FAILED = 3
    CHANNEL_MISSING = 4
    OURS_MISSING = 5
    HOST_MISSING = 6
    BOTH_FAILED = 7
    DUPLICATE = 8
    UNKNOWN = 9
    LATE = 10
    DATA_DIFFERS = 11

    @property
    def code_name(self) -> str:
        """The name outsiders see: `matched`."""
        return self.name.lower()


class Resolution(StrEnum):
    """What people may do about a break; each has its effect when a second person approves."""

    BOOK = "book"  # the money has come: it is settled, surplus or suspense, with the line as its evidence
    REVERSE = "reverse"  # the money has not come: what we booked is taken back
    CORRECT = "correct"  # another amount has come: reversed, and the right amount booked
    CONFIRM = "confirm"  # it is the same money after all, as we have it: the file is wrong
    IGNORE = "ignore"  # nothing is to be done, for a reason that is kept
    WAIT = "wait"  # looked at again later
    SUSPEND = "suspend"  # what is short or over on its way stands in suspense until it is explained


@dataclass(frozen=True)
class Meaning:
    """A result in the words of clerks, whether both sides agree, and what a break of this kind may end in."""

    zh: str
    agreed: bool
    resolutions: tuple[Resolution, ...] = ()

    @property
    def breaks(self) -> bool:
        """Whether it is a break (差错)."""
        return bool(self.resolutions)


_NOTHING = (Resolution.IGNORE, Resolution.WAIT)

RESULTS: Mapping[Result, Meaning] = {
    Result.PENDING: Meaning("未对账", False),
    Result.MATCHED: Meaning("双方成功，金额一致", True),
    Result.AMOUNT_DIFFERS: Meaning("双方成功，金额不符", False, (Resolution.CORRECT, Resolution.CONFIRM, *_NOTHING)),
    Result.CHANNEL_FAILED: Meaning("渠道失败或已冲正，我方成功", False, (Resolution.REVERSE, *_NOTHING)),
    Result.CHANNEL_MISSING: Meaning("渠道无，我方成功（短款）", False, (Resolution.REVERSE, *_NOTHING)),
    Result.OURS_MISSING: Meaning("渠道成功，我方无或已冲正（长款）", False, (Resolution.BOOK, *_NOTHING)),
    Result.HOST_MISSING: Meaning("收款行无，我方成功（短款）", False, (Resolution.REVERSE, *_NOTHING)),
    Result.BOTH_FAILED: Meaning("双方失败或均已冲正", True),
    Result.DUPLICATE: Meaning("重复", False, (Resolution.BOOK, *_NOTHING)),
    Result.UNKNOWN: Meaning("状态不明", False, (Resolution.BOOK, *_NOTHING)),
    Result.LATE: Meaning("跨日到账，窗口内一致", True),
    Result.DATA_DIFFERS: Meaning("其他数据不符", False, (Resolution.CONFIRM, Resolution.BOOK, *_NOTHING)),
}
"""Every result there is. 0 is the only one that is not final; a break is always one of those that do not agree."""

AGREED = tuple(result for result, meaning in RESULTS.items() if meaning.agreed)


class BreakKind(StrEnum):
    """差错: what does not fit. A line's kind is the name of its result; the others are about a whole file, what a
    channel owes us for a day, or a voucher."""

    AMOUNT_DIFFERS = "amount_differs"
    CHANNEL_FAILED = "channel_failed"
    CHANNEL_MISSING = "channel_missing"
    OURS_MISSING = "ours_missing"
    HOST_MISSING = "host_missing"
    DUPLICATE = "duplicate"
    UNKNOWN = "unknown"
    DATA_DIFFERS = "data_differs"
    TOTALS_DIFFER = "totals_differ"
    STATEMENT_MISSING = "statement_missing"
    MONEY_MISSING = "money_missing"
    TREASURY_DIFFERS = "treasury_differs"


def kind_of(result: Result) -> BreakKind:
    """The kind of break that a result is. Raises ValueError for one that is none."""
    return BreakKind(result.code_name)


_WHOLE = {
    BreakKind.TOTALS_DIFFER: "对账单总数不符",
    BreakKind.STATEMENT_MISSING: "对账单未到",
    BreakKind.MONEY_MISSING: "资金未到账或金额不符",
    BreakKind.TREASURY_DIFFERS: "国库入库不符",
}


def words_of(kind: BreakKind) -> str:
    """The kind in the words of clerks."""
    return _WHOLE.get(kind) or RESULTS[Result[kind.name]].zh


def resolutions_of(
    kind: BreakKind, channel: Channel, line: LineKind | None, *, readable: bool, ours: bool, single: bool
) -> tuple[Resolution, ...]:
    """What may be done about a break.

    `readable`: its line has an amount; `ours`: our books have live money for it; `single`: as one collection.
    An agent's money stands in a signed ledger, where only a contrary line takes back and only a new line books.
    A break without a line is about money that no statement has, or of which a return file of withholding (回盘) tells.
    """
    if kind in _WHOLE:
        return _NOTHING
    of_book = channel is not Channel.AGENT
    withheld = line is None and kind is BreakKind.OURS_MISSING
    bookable = (line is LineKind.PAYMENT and readable and of_book) or withheld
    possible = {
        Resolution.BOOK: bookable and not (ours and kind in (BreakKind.DATA_DIFFERS, BreakKind.UNKNOWN)),
        Resolution.CORRECT: bookable and ours and single,
        Resolution.CONFIRM: line is not None and readable and ours,
        Resolution.REVERSE: ours and of_book and line is not LineKind.REFUND,
    }
    return tuple(each for each in RESULTS[Result[kind.name]].resolutions if possible.get(each, True))


# --- judging one line -------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Line:
    """A line as the file has it. `amount_fen` is None where it cannot be read."""

    kind: LineKind
    status: LineStatus
    amount_fen: int | None


@dataclass(frozen=True)
class Siblings:
    """The successful lines of the same file under the same reference, this one's place (from 1) among its own kind."""

    place: int = 1
    payments: int = 1
    reversals: int = 0


@dataclass(frozen=True)
class Ours:
    """What our books have for a line: collections (of one order there may be several) or a refund."""

    amount_fen: int
    live: bool  # not reversed
    elsewhere: bool = False  # another line of the channel stands for it already
    same_bill: bool = True  # the bill or order that the line names is theirs
    days_apart: int = 0


def judge(line: Line, siblings: Siblings, ours: Ours | None, *, window_open: bool, window_days: int) -> Result:
    """What a line comes to, in order of precedence.

    `window_open`: the days on which the missing counterpart may still come (`waits`) are not over.
    """
    if line.amount_fen is None:
        return Result.DATA_DIFFERS
    if line.status is LineStatus.UNKNOWN:
        return Result.UNKNOWN
    live = ours is not None and ours.live
    if line.status is LineStatus.FAILED or line.amount_fen == 0:
        return Result.CHANNEL_FAILED if live else Result.BOTH_FAILED
    if line.kind is LineKind.REVERSAL:
        return _judge_reversal(siblings, ours)
    if line.kind is LineKind.PAYMENT and siblings.place <= siblings.reversals:
        return Result.CHANNEL_FAILED if live else Result.BOTH_FAILED
    if line.kind is LineKind.PAYMENT and siblings.place - siblings.reversals > 1:
        return Result.DUPLICATE
    if ours is None or not (ours.live or line.status is LineStatus.OPEN):
        return Result.PENDING if window_open else Result.OURS_MISSING
    if not ours.live:
        return Result.BOTH_FAILED  # on its way by the file, and given up since
    return _compare(line.amount_fen, ours, window_days)


def _judge_reversal(siblings: Siblings, ours: Ours | None) -> Result:
    if ours is None and not siblings.payments:
        return Result.UNKNOWN  # of what? Its payment stands neither in the file nor in our books
    if siblings.place > max(siblings.payments, 1):
        return Result.DUPLICATE
    return Result.CHANNEL_FAILED if ours is not None and ours.live else Result.BOTH_FAILED


def _compare(amount_fen: int, ours: Ours, window_days: int) -> Result:
    if ours.elsewhere:
        return Result.DUPLICATE
    if ours.amount_fen != amount_fen:
        return Result.AMOUNT_DIFFERS
    if not ours.same_bill or ours.days_apart > window_days:
        return Result.DATA_DIFFERS
    return Result.LATE if ours.days_apart else Result.MATCHED


def opens_break(line: Line, siblings: Siblings, result: Result) -> bool:
    """Whether a line's result is a break of its own: of a payment and its reversal in one file only the payment is."""
    told_by_payment = line.kind is LineKind.REVERSAL and siblings.payments > 0 and result is Result.CHANNEL_FAILED
    return RESULTS[result].breaks and not told_by_payment


def missing_result(channel: Channel) -> Result:
    """What money of ours comes to that stands on no statement.

    The statement of the counter and of agents is printed by the bank behind them, so it is the host that has none.
    """
    return Result.HOST_MISSING if channel in (Channel.COUNTER, Channel.AGENT) else Result.CHANNEL_MISSING


def same_payer(named: str, ours: str) -> bool:
    """Whether a channel's payer is ours. Channels mask names: 王*明, *小明; a mask stands for one character or more."""
    plain, known = normal_name(named), normal_name(ours)
    pattern = "".join(".+" if part[0] in "*＊" else re.escape(part) for part in _MASKED.findall(plain))
    return re.fullmatch(pattern, known) is not None


def waits(day: date, today: date, window_days: int) -> bool:
    """Whether the counterpart of something of `day` may still come: until the end of T+`window_days`.

    Calendar days of the business clock: every channel prints a statement for each of them. Money paid near midnight
    stands on the next day's.
    """
    return today <= day + timedelta(days=window_days)


# --- a whole file -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Totals:
    """Count and sums of a file, as its channel counts; `back_fen` (refunds, reversals) where it is told apart."""

    count: int
    amount_fen: int
    back_fen: int | None = None


def totals_agree(told: Totals | None, found: Totals) -> bool:
    """Whether a file is whole. Totals are checked before lines; a file that tells none has lost its end."""
    return told == found


# --- states -----------------------------------------------------------------------------------------------------------


class StatementState(StrEnum):
    """对账单: from the file to the one that counts for its day."""

    RECEIVED = "received"
    DIFFERS = "differs"
    ACCEPTED = "accepted"
    REJECTED = "rejected"
    REPLACED = "replaced"


class StatementAct(StrEnum):
    """What happens to a statement. `accept` and `reject` are a second person's; the others its bytes'."""

    RECEIVE = "receive"
    AGREE = "agree"
    DIFFER = "differ"
    ACCEPT = "accept"
    REJECT = "reject"
    REPLACE = "replace"


STATEMENT_TRANSITIONS = Graph(
    StatementState,
    StatementAct,
    {
        (None, StatementAct.RECEIVE): StatementState.RECEIVED,
        (StatementState.RECEIVED, StatementAct.AGREE): StatementState.ACCEPTED,
        (StatementState.RECEIVED, StatementAct.DIFFER): StatementState.DIFFERS,
        (StatementState.RECEIVED, StatementAct.REPLACE): StatementState.REPLACED,
        (StatementState.DIFFERS, StatementAct.ACCEPT): StatementState.ACCEPTED,
        (StatementState.DIFFERS, StatementAct.REJECT): StatementState.REJECTED,
        (StatementState.DIFFERS, StatementAct.REPLACE): StatementState.REPLACED,
        (StatementState.ACCEPTED, StatementAct.REPLACE): StatementState.REPLACED,
    },
)
"""Every way a statement begins (from None) and changes; drawn in docs/reconciliation.md."""


class BreakState(StrEnum):
    """差错: from the finding to its end."""

    OPEN = "open"
    PROPOSED = "proposed"
    RESOLVED = "resolved"
    SUPERSEDED = "superseded"


class BreakAct(StrEnum):
    """What happens to a break. `supersede`: a later line, message or version of the file has answered it.

    `lapse`: its row comes to something else by now, so what was proposed answers nothing any more.
    """

    OPEN = "open"
    PROPOSE = "propose"
    RETURN = "return"
    LAPSE = "lapse"
    WAIT = "wait"
    RESOLVE = "resolve"
    SUPERSEDE = "supersede"


BREAK_TRANSITIONS = Graph(
    BreakState,
    BreakAct,
    {
        (None, BreakAct.OPEN): BreakState.OPEN,
        (BreakState.OPEN, BreakAct.PROPOSE): BreakState.PROPOSED,
        (BreakState.OPEN, BreakAct.SUPERSEDE): BreakState.SUPERSEDED,
        (BreakState.PROPOSED, BreakAct.PROPOSE): BreakState.PROPOSED,
        (BreakState.PROPOSED, BreakAct.RETURN): BreakState.OPEN,
        (BreakState.PROPOSED, BreakAct.LAPSE): BreakState.OPEN,
        (BreakState.PROPOSED, BreakAct.WAIT): BreakState.OPEN,
        (BreakState.PROPOSED, BreakAct.RESOLVE): BreakState.RESOLVED,
        (BreakState.PROPOSED, BreakAct.SUPERSEDE): BreakState.SUPERSEDED,
    },
)
"""Every way a break begins (from None) and changes; drawn in docs/reconciliation.md."""

UNSETTLED = tuple({before: None for before, _ in BREAK_TRANSITIONS if before})
"""The states of a break that somebody has to do something about."""


class Hand(StrEnum):
    """Through whose hands it has passed (`sub`)."""

    SENDER = "received_by"  # brought the file
    PROPOSER = "proposed_by"


MAY_NOT_APPROVE = (Hand.SENDER, Hand.PROPOSER)
"""Four eyes (经办复核): who brought the file or proposed the resolution does not approve it."""

SYSTEM = "system"
"""Who accepts a file whose totals agree."""


def act_of(resolution: Resolution) -> BreakAct:
    """What the approval of a resolution does to its break."""
    return BreakAct.WAIT if resolution is Resolution.WAIT else BreakAct.RESOLVE


def due_on(today: date, days: int) -> date:
    """The day by which a break is to be resolved; open after it, it is an alarm."""
    return today + timedelta(days=days)
