"""Refunds (退费) as payments carries them out: on which way the money goes back, and how such a refund changes.

Money goes back the way it came (`ORIGINAL`). A counter pays at once; a channel is told, and what it says later is the
truth: accepted is not paid, and unknown is not failed.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from enum import StrEnum
from uuid import UUID

from shared.codes import Channel
from shared.graph import Graph

from .accounts import SPECIAL_ACCOUNT, held_account


class RefundState(StrEnum):
    """退款: from the order to the money, or to its return."""

    SUBMITTED = "submitted"
    PROCESSING = "processing"
    SETTLED = "settled"
    ABNORMAL = "abnormal"
    FAILED = "failed"


class RefundAct(StrEnum):
    """What happens to a refund. `pay_out`, `submit` and `give_up` are ours, the others the channel's word."""

    PAY_OUT = "pay_out"
    SUBMIT = "submit"
    ACCEPT = "accept"
    SETTLE = "settle"
    BREAK = "break"
    REFUSE = "refuse"
    GIVE_UP = "give_up"


REFUND_TRANSITIONS = Graph(
    RefundState,
    RefundAct,
    {
        (None, RefundAct.PAY_OUT): RefundState.SETTLED,
        (None, RefundAct.SUBMIT): RefundState.SUBMITTED,
        (RefundState.SUBMITTED, RefundAct.ACCEPT): RefundState.PROCESSING,
        (RefundState.SUBMITTED, RefundAct.SETTLE): RefundState.SETTLED,
        (RefundState.SUBMITTED, RefundAct.BREAK): RefundState.ABNORMAL,
        (RefundState.SUBMITTED, RefundAct.REFUSE): RefundState.FAILED,
        (RefundState.PROCESSING, RefundAct.SETTLE): RefundState.SETTLED,
        (RefundState.PROCESSING, RefundAct.BREAK): RefundState.ABNORMAL,
        (RefundState.PROCESSING, RefundAct.REFUSE): RefundState.FAILED,
        (RefundState.ABNORMAL, RefundAct.SETTLE): RefundState.SETTLED,
        (RefundState.ABNORMAL, RefundAct.REFUSE): RefundState.FAILED,
        (RefundState.ABNORMAL, RefundAct.GIVE_UP): RefundState.FAILED,
    },
)
"""Every way a refund begins (from None) and changes; what stands here is drawn in docs/refunds.md."""

REFUND_AGE_LIMITS: Mapping[RefundState, timedelta] = {
    RefundState.SUBMITTED: timedelta(hours=1),
    RefundState.PROCESSING: timedelta(days=5),
    RefundState.ABNORMAL: timedelta(days=3),
}
"""How long, by wall time, a refund may stand in a state that is not its end; after that an invariant complains.

A bank card is credited within three working days; an abnormal refund waits for a person.
"""

_WORD: Mapping[RefundState, RefundAct] = {
    RefundState.PROCESSING: RefundAct.ACCEPT,
    RefundState.SETTLED: RefundAct.SETTLE,
    RefundState.ABNORMAL: RefundAct.BREAK,
    RefundState.FAILED: RefundAct.REFUSE,
}


class Heard(StrEnum):
    """What a channel's word about a refund means to us."""

    NEWS = "news"
    KNOWN = "known"
    CONTRADICTION = "contradiction"


def hear(state: RefundState, word: RefundState, *, told_fen: int | None = None) -> Heard:
    """What it means that a channel says `word` of a refund in `state`. Raises ValueError for a word that is none.

    `told_fen`: with ABNORMAL, what the channel has paid, where that is another sum than was asked for.

    Words come twice and in any order. A final state stays: a channel that says otherwise afterwards contradicts itself,
    or pays what we have given up, and a person has to look.
    """
    act = _WORD.get(word)
    if act is None:
        raise ValueError(f"no channel says {word} of a refund")
    if state is word or (state is RefundState.ABNORMAL and word is RefundState.PROCESSING):
        return Heard.KNOWN
    if (state, act) in REFUND_TRANSITIONS:
        return Heard.NEWS
    # What was said on the way is late, not wrong; only another end, or another sum, contradicts an end.
    ends = word in (RefundState.SETTLED, RefundState.FAILED) or told_fen is not None
    return Heard.CONTRADICTION if ends else Heard.KNOWN


class Method(StrEnum):
    """On which way money goes back."""

    CASH = "cash"
    POS_RETURN = "pos_return"
    WECHAT = "wechat"
    BANK = "bank"
    ETAX = "etax"
    TREASURY = "treasury"  # 退库: what was posted to the treasury, from there to the payee's account


AT_COUNTER = frozenset({Method.CASH, Method.POS_RETURN})
"""Paid at once, from an open shift."""

ORIGINAL: Mapping[Channel, tuple[Method, ...]] = {
    Channel.WECHAT: (Method.WECHAT,),
    Channel.BANK: (Method.BANK,),
    Channel.ETAX: (Method.ETAX,),
    Channel.COUNTER: (Method.CASH, Method.POS_RETURN),
    Channel.AGENT: (Method.CASH,),
}
"""原路退回. What an agent collected goes to the person at a counter, never to the agent."""

POSTED: Mapping[Channel, tuple[Method, ...]] = {
    Channel.WECHAT: (Method.WECHAT, Method.TREASURY),
    Channel.ETAX: (Method.ETAX, Method.TREASURY),
    **dict.fromkeys((Channel.BANK, Channel.COUNTER, Channel.AGENT), (Method.TREASURY,)),
}
"""退库: what was posted to the treasury goes back from there. WeChat may still have a balance to pay from, and the tax
bureau may send the money back itself."""

WECHAT_DAYS = 365
WECHAT_PARTS = 50


class Limit(StrEnum):
    """What WeChat would not take, so it is not asked. All but TOO_SOON end the refund: the money goes elsewhere."""

    TOO_OLD = "payment_older_than_a_year"
    TOO_MANY = "more_than_fifty_parts"
    TOO_SOON = "less_than_a_minute_after_another_part"


def wechat_limit(
    paid_at: datetime, other_parts: int, seconds_since_last: float | None, now: datetime, pause_seconds: float
) -> Limit | None:
    """Which limit of WeChat's a refund runs into. `other_parts` of the payment went back before it, or are to."""
    if paid_at + timedelta(days=WECHAT_DAYS) < now:
        return Limit.TOO_OLD
    if other_parts >= WECHAT_PARTS:
        return Limit.TOO_MANY
    soon = seconds_since_last is not None and seconds_since_last < pause_seconds
    return Limit.TOO_SOON if soon else None


OTHERWISE = (Method.CASH,)
"""The way for money that could not go back as it came: to the person, at a counter."""


def ways(channel: Channel, *, tried: bool, posted: bool = False) -> tuple[Method, ...]:
    """The ways on which money of a channel may go back: f(channel, posted to the treasury?).

    `tried`: one of them was, and failed.
    """
    first = POSTED[channel] if posted else ORIGINAL[channel]
    return (*first, *(way for way in OTHERWISE if way not in first)) if tried else first


def paying_account(method: Method, shift_id: UUID | None) -> str:
    """The account that pays: the drawer at a counter; elsewhere the special account, where the money ends up."""
    return held_account(str(shift_id)) if method in AT_COUNTER else SPECIAL_ACCOUNT


def refund_number(pool: str, refund_id: UUID) -> str:
    """The refund's number with its channel: the pool, then the identifier. The same in every try (one refund)."""
    return f"{pool}{refund_id.hex}"


def refund_of_number(number: str) -> tuple[str, UUID] | None:
    """Pool and identifier behind a refund's number; None where it is not one of ours."""
    pool, rest = number[:6], number[6:]
    if not (pool.isascii() and pool.isdigit()) or len(rest) != 32:
        return None
    try:
        return pool, UUID(hex=rest)
    except ValueError:
        return None
