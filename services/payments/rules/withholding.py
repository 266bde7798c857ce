"""Batch withholding (批量代扣), without I/O: how a batch and its lines move, what the bank's word about a line means.

A bank debits the accounts of payers who have signed an agreement. It answers in files: an interim one first, a final
one that supersedes it, or one that refuses the whole batch. What was debited has come and is booked; what the bank says
otherwise afterwards is for people.
"""

from collections.abc import Mapping
from datetime import date, timedelta
from enum import StrEnum

from shared.graph import Graph


class AgreementState(StrEnum):
    """代扣协议: the payer's permission to debit the account."""

    VALID = "valid"
    WITHDRAWN = "withdrawn"


class AgreementAct(StrEnum):
    """What happens to an agreement. That it ran out is told by its last day."""

    SIGN = "sign"
    WITHDRAW = "withdraw"


AGREEMENT_TRANSITIONS = Graph(
    AgreementState,
    AgreementAct,
    {
        (None, AgreementAct.SIGN): AgreementState.VALID,
        (AgreementState.VALID, AgreementAct.WITHDRAW): AgreementState.WITHDRAWN,
    },
)
"""Every way an agreement begins (from None) and changes; drawn in docs/withholding.md."""


class WithholdingState(StrEnum):
    """代扣批次: from the bills that are asked for to the last word about each of them."""

    BUILT = "built"
    SENT = "sent"
    RETURNED = "returned"
    CLOSED = "closed"
    REFUSED = "refused"
    CANCELLED = "cancelled"


class WithholdingAct(StrEnum):
    """What happens to a batch. `release` is a second person's; `refuse`, `return` and `conclude` are the bank's."""

    BUILD = "build"
    CANCEL = "cancel"
    RELEASE = "release"
    REFUSE = "refuse"
    RETURN = "return"
    CONCLUDE = "conclude"


WITHHOLDING_TRANSITIONS = Graph(
    WithholdingState,
    WithholdingAct,
    {
        (None, WithholdingAct.BUILD): WithholdingState.BUILT,
        (WithholdingState.BUILT, WithholdingAct.CANCEL): WithholdingState.CANCELLED,
        (WithholdingState.BUILT, WithholdingAct.RELEASE): WithholdingState.SENT,
        (WithholdingState.SENT, WithholdingAct.REFUSE): WithholdingState.REFUSED,
        (WithholdingState.SENT, WithholdingAct.RETURN): WithholdingState.RETURNED,
        (WithholdingState.SENT, WithholdingAct.CONCLUDE): WithholdingState.CLOSED,
        (WithholdingState.RETURNED, WithholdingAct.RETURN): WithholdingState.RETURNED,
        (WithholdingState.RETURNED, WithholdingAct.CONCLUDE): WithholdingState.CLOSED,
        (WithholdingState.CLOSED, WithholdingAct.CONCLUDE): WithholdingState.CLOSED,
        # A bank that refused the file and debits all the same: what it took has come.
        (WithholdingState.REFUSED, WithholdingAct.RETURN): WithholdingState.RETURNED,
        (WithholdingState.REFUSED, WithholdingAct.CONCLUDE): WithholdingState.CLOSED,
    },
)
"""Every way a batch begins (from None) and changes; drawn in docs/withholding.md."""

ANSWERABLE = frozenset(before for before, act in WITHHOLDING_TRANSITIONS if before and act is WithholdingAct.CONCLUDE)
"""The states in which a return file of the bank is taken."""

WITHHOLDING_AGE_LIMITS: Mapping[WithholdingState, timedelta] = {
    WithholdingState.BUILT: timedelta(days=1),
    WithholdingState.SENT: timedelta(days=3),
    WithholdingState.RETURNED: timedelta(days=5),
}
"""How long, by the business clock, a batch may stand in a state that is not its end before it is an alarm."""

RETURN_JUDGED_WITHIN = timedelta(days=2)
"""How long a return file whose totals differ may wait for a second person."""


class WithholdingLineState(StrEnum):
    """A bill in a batch. `asked` until the bank has told; a bill is asked for in one batch at most."""

    ASKED = "asked"
    DEBITED = "debited"
    PARTIAL = "partial"
    FAILED = "failed"
    DROPPED = "dropped"


class LineAct(StrEnum):
    """What happens to a line. `drop`: it was not sent, or its file was refused; the others are the bank's word."""

    ASK = "ask"
    DEBIT = "debit"
    DEBIT_OTHERWISE = "debit_otherwise"
    FAIL = "fail"
    DROP = "drop"


LINE_TRANSITIONS = Graph(
    WithholdingLineState,
    LineAct,
    {
        (None, LineAct.ASK): WithholdingLineState.ASKED,
        (WithholdingLineState.ASKED, LineAct.DROP): WithholdingLineState.DROPPED,
        (WithholdingLineState.ASKED, LineAct.FAIL): WithholdingLineState.FAILED,
        (WithholdingLineState.ASKED, LineAct.DEBIT): WithholdingLineState.DEBITED,
        (WithholdingLineState.ASKED, LineAct.DEBIT_OTHERWISE): WithholdingLineState.PARTIAL,
        (WithholdingLineState.FAILED, LineAct.DEBIT): WithholdingLineState.DEBITED,
        (WithholdingLineState.FAILED, LineAct.DEBIT_OTHERWISE): WithholdingLineState.PARTIAL,
        (WithholdingLineState.DROPPED, LineAct.DEBIT): WithholdingLineState.DEBITED,
        (WithholdingLineState.DROPPED, LineAct.DEBIT_OTHERWISE): WithholdingLineState.PARTIAL,
        # What people have taken back and booked anew stands for the line from then on.
        (WithholdingLineState.DEBITED, LineAct.DEBIT): WithholdingLineState.DEBITED,
        (WithholdingLineState.DEBITED, LineAct.DEBIT_OTHERWISE): WithholdingLineState.PARTIAL,
        (WithholdingLineState.PARTIAL, LineAct.DEBIT): WithholdingLineState.DEBITED,
        (WithholdingLineState.PARTIAL, LineAct.DEBIT_OTHERWISE): WithholdingLineState.PARTIAL,
    },
)
"""Every way a line begins (from None) and changes; drawn in docs/withholding.md."""


class ReturnState(StrEnum):
    """回盘文件: a file that the bank sends back."""

    ACCEPTED = "accepted"
    DIFFERS = "differs"
    REJECTED = "rejected"
    TAKEN = "taken"


class ReturnAct(StrEnum):
    """What happens to a return file. `accept` and `reject` are a second person's; `refuse`: it refuses the batch."""

    AGREE = "agree"
    DIFFER = "differ"
    REFUSE = "refuse"
    ACCEPT = "accept"
    REJECT = "reject"
    TAKE = "take"


RETURN_TRANSITIONS = Graph(
    ReturnState,
    ReturnAct,
    {
        (None, ReturnAct.AGREE): ReturnState.ACCEPTED,
        (None, ReturnAct.DIFFER): ReturnState.DIFFERS,
        (None, ReturnAct.REFUSE): ReturnState.TAKEN,
        (ReturnState.DIFFERS, ReturnAct.ACCEPT): ReturnState.ACCEPTED,
        (ReturnState.DIFFERS, ReturnAct.REJECT): ReturnState.REJECTED,
        (ReturnState.ACCEPTED, ReturnAct.TAKE): ReturnState.TAKEN,
    },
)
"""Every way a return file begins (from None) and changes; drawn in docs/withholding.md."""


class ReturnKind(StrEnum):
    """What a file of the bank is: results so far, the last results, or a refusal of the whole batch."""

    INTERIM = "interim"
    FINAL = "final"
    REFUSAL = "refusal"


class Word(StrEnum):
    """What the bank says became of a line. `unknown` changes nothing: it is not failed."""

    DEBITED = "debited"
    FAILED = "failed"
    UNKNOWN = "unknown"


class Contradiction(StrEnum):
    """How a later word contradicts money that was told of before; the kind of break that people resolve."""

    TAKEN_BACK = "channel_failed"
    OTHER_AMOUNT = "amount_differs"
    COME_AFTER_ALL = "ours_missing"


def hear(
    state: WithholdingLineState,
    word: Word,
    *,
    asked_fen: int,
    booked_fen: int | None,
    told_fen: int | None,
    reversed_: bool,
) -> LineAct | Contradiction | None:
    """What the bank's word about a line does: an act, a contradiction for people, or nothing.

    `booked_fen` is what was booked for it before, `told_fen` what the bank says that it debited. Another amount than
    was asked for is booked all the same; it does not fit the bill and waits in suspense. `reversed_`: people have taken
    back what was booked, so a denial is no news, and money that was debited after all is for people again.
    """
    has_come = state in (WithholdingLineState.DEBITED, WithholdingLineState.PARTIAL)
    if reversed_:
        return Contradiction.COME_AFTER_ALL if word is Word.DEBITED else None
    if word is Word.DEBITED:
        if has_come:
            return None if told_fen == booked_fen else Contradiction.OTHER_AMOUNT
        return LineAct.DEBIT if told_fen == asked_fen else LineAct.DEBIT_OTHERWISE
    if word is Word.FAILED:
        if has_come:
            return Contradiction.TAKEN_BACK
        return LineAct.FAIL if state is WithholdingLineState.ASKED else None
    return None


def answered(state: WithholdingState, kind: ReturnKind, *, left: int) -> WithholdingState:
    """Where a batch stands after a return file; `left` lines have no word yet.

    A final file ends the batch only with the last line: of a line that it leaves out nothing is known.
    """
    ends = left == 0 and (kind is ReturnKind.FINAL or state is WithholdingState.CLOSED)
    act = WithholdingAct.CONCLUDE if ends else WithholdingAct.RETURN
    return WITHHOLDING_TRANSITIONS[state, act]


def batch_prefix(pool: str, day: date) -> str:
    """How the numbers of a day's batches with a bank begin; four digits follow."""
    return f"{pool}{day:%Y%m%d}"


def line_serial(batch_no: str, seq: int) -> str:
    """The serial of a line's debit, unique with the bank: money goes back under it to the account that was debited."""
    return f"{batch_no}{seq:06d}"


def line_reference(institution: str, day: date, batch_no: str, seq: int) -> str:
    """Under which reference a line's debit of a day is booked, as the bank's own statement names it."""
    return f"{institution}/{day:%Y%m%d}/{line_serial(batch_no, seq)}"
