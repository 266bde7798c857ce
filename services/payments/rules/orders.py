"""Orders (缴费订单): attempts to pay a bill through a channel that asks first. How they change, when they are over.

What the channel knows is the truth; what it told is a hint. An order whose fate nobody knows stays where it is and is
asked about again.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from enum import StrEnum

from shared.clock import SHANGHAI, business_day
from shared.graph import Graph
from shared.regions import in_pool

from .accounts import HELD
from .settling import Window

WECHAT_ACCOUNT = f"{HELD}wechat"
"""What WeChat Pay has collected and not yet settled with us."""


class OrderStatus(StrEnum):
    """缴费订单: from the wish to pay to the money, or to its end without money."""

    CREATED = "created"
    OPEN = "open"
    CLOSING = "closing"
    PAID = "paid"
    CLOSED = "closed"
    EXPIRED = "expired"
    FAILED = "failed"


class Product(StrEnum):
    """支付产品: how the payer gets to the cashier of the channel."""

    JSAPI = "jsapi"  # inside WeChat
    H5 = "h5"  # from a browser on the phone
    NATIVE = "native"  # by scanning a code


class OrderAct(StrEnum):
    """What happens to an order. `close` is our wish; all others but `create` are the channel's word."""

    CREATE = "create"
    OPEN = "open"
    REFUSE = "refuse"
    CLOSE = "close"
    END = "end"
    EXPIRE = "expire"
    PAY = "pay"


ORDER_TRANSITIONS = Graph(
    OrderStatus,
    OrderAct,
    {
        (None, OrderAct.CREATE): OrderStatus.CREATED,
        (OrderStatus.CREATED, OrderAct.OPEN): OrderStatus.OPEN,
        (OrderStatus.CREATED, OrderAct.REFUSE): OrderStatus.FAILED,
        (OrderStatus.CREATED, OrderAct.CLOSE): OrderStatus.CLOSING,
        (OrderStatus.CREATED, OrderAct.END): OrderStatus.CLOSED,
        (OrderStatus.CREATED, OrderAct.EXPIRE): OrderStatus.EXPIRED,
        (OrderStatus.CREATED, OrderAct.PAY): OrderStatus.PAID,
        (OrderStatus.OPEN, OrderAct.CLOSE): OrderStatus.CLOSING,
        (OrderStatus.OPEN, OrderAct.END): OrderStatus.CLOSED,
        (OrderStatus.OPEN, OrderAct.EXPIRE): OrderStatus.EXPIRED,
        (OrderStatus.OPEN, OrderAct.PAY): OrderStatus.PAID,
        (OrderStatus.CLOSING, OrderAct.END): OrderStatus.CLOSED,
        (OrderStatus.CLOSING, OrderAct.PAY): OrderStatus.PAID,
        (OrderStatus.CLOSED, OrderAct.PAY): OrderStatus.PAID,
        (OrderStatus.EXPIRED, OrderAct.PAY): OrderStatus.PAID,
        (OrderStatus.FAILED, OrderAct.PAY): OrderStatus.PAID,
    },
)
"""Every way an order begins (from None) and changes; drawn in docs/orders.md. Money that comes late still counts."""

AGE_LIMITS: Mapping[OrderStatus, timedelta] = {
    OrderStatus.CREATED: timedelta(minutes=30),
    OrderStatus.OPEN: timedelta(hours=3),
    OrderStatus.CLOSING: timedelta(minutes=30),
}
"""How long, by wall time, an order may stand in a state that is not its end; after that an invariant complains.

An order is open for two hours at most (`MOST_MINUTES`). Its safe rerun in each of these states is to ask the channel.
"""

MOST_MINUTES: Mapping[Product, int] = {Product.JSAPI: 120, Product.H5: 5, Product.NATIVE: 120}
"""How long a channel keeps what it hands out for paying. An order is not payable longer: nobody could get to it."""

_LEAST = timedelta(minutes=1)  # a channel takes no order that expires earlier
LONGEST_PAUSE_SECONDS = 300.0
"""Between two questions about one order."""


class Word(StrEnum):
    """What a channel says of an order."""

    PAID = "paid"
    UNPAID = "unpaid"
    PAYING = "paying"
    ENDED = "ended"
    ABSENT = "absent"


class Verdict(StrEnum):
    """What a channel's message about money was to us."""

    BOOKED = "booked"
    AMOUNT_DIFFERS = "amount_differs"  # from its order; booked, and judged by its bill
    ORDER_UNKNOWN = "order_unknown"  # booked without a bill
    APPID_DIFFERS = "appid_differs"  # booked without a bill
    MCHID_DIFFERS = "mchid_differs"  # not our money
    NOT_PAID = "not_paid"
    REFUND_TOLD = "refund_told"  # a refund of ours has heard it
    REFUND_UNKNOWN = "refund_unknown"  # not ordered by us
    KIND_UNKNOWN = "kind_unknown"


class MessageStatus(StrEnum):
    """渠道报文: evidence, stored before it is acted upon."""

    RECEIVED = "received"
    APPLIED = "applied"
    KEPT = "kept"
    UNREADABLE = "unreadable"


class MessageAct(StrEnum):
    """What happens to a message. `fail_to_read`: it is genuine, and we cannot read it; it may come once more."""

    RECEIVE = "receive"
    FAIL_TO_READ = "fail_to_read"
    APPLY = "apply"
    KEEP = "keep"


MESSAGE_TRANSITIONS = Graph(
    MessageStatus,
    MessageAct,
    {
        (None, MessageAct.RECEIVE): MessageStatus.RECEIVED,
        (None, MessageAct.FAIL_TO_READ): MessageStatus.UNREADABLE,
        (MessageStatus.UNREADABLE, MessageAct.RECEIVE): MessageStatus.RECEIVED,
        (MessageStatus.RECEIVED, MessageAct.APPLY): MessageStatus.APPLIED,
        (MessageStatus.RECEIVED, MessageAct.KEEP): MessageStatus.KEPT,
    },
)
"""Every way a message begins (from None) and changes; drawn in docs/orders.md. It is acted upon once."""

ONLY_KEPT = frozenset({Verdict.MCHID_DIFFERS, Verdict.NOT_PAID, Verdict.REFUND_UNKNOWN, Verdict.KIND_UNKNOWN})
"""Verdicts on messages that are kept as evidence and change nothing."""


def live(status: OrderStatus) -> bool:
    """Whether the order's fate is still open."""
    return status in AGE_LIMITS


def order_step(status: OrderStatus, word: Word, *, over: bool) -> OrderAct | None:
    """What the channel's word means for an order; None where there is nothing to do but to ask again.

    `over`: its time has run out. CLOSE means that the channel is to be told to end it.
    """
    if word is Word.PAID:
        return OrderAct.PAY if status is not OrderStatus.PAID else None
    if not live(status):
        return None
    if word is Word.UNPAID:
        return OrderAct.CLOSE if over or status is OrderStatus.CLOSING else None
    if word is Word.PAYING:
        return None
    if status is OrderStatus.CLOSING:
        return OrderAct.END
    if word is Word.ABSENT and status is OrderStatus.CREATED:
        return OrderAct.REFUSE
    if over:
        return OrderAct.EXPIRE
    # An open order that the channel does not know was known to it before: it is left to its time.
    return OrderAct.END if word is Word.ENDED else None


def order_number(pool: str, unique: int) -> str:
    """The number of an order: its pool, then 128 bits (an identifier) in Crockford's base 32; 32 characters."""
    return pool + "".join(CROCKFORD[unique >> shift & 31] for shift in range(125, -5, -5))


def payable_minutes(product: Product, minutes: int) -> int:
    """How long an order can be paid, where `minutes` are wanted."""
    return min(minutes, MOST_MINUTES[product])


def order_expiry(now: datetime, minutes: int, window: Window) -> datetime:
    """When an order ends: after `minutes`, but not on a day on which nothing is taken (S004-07, S004-08).

    A channel wants a minute at least, so in the last minute of such a day an order reaches beyond it; money that comes
    then is judged by its own day.
    """
    began = now.astimezone(SHANGHAI).replace(microsecond=0)
    expiry = began + timedelta(minutes=minutes)
    if window.closed(business_day(expiry)):
        last_second = began.replace(hour=23, minute=59, second=59)
        expiry = max(min(expiry, last_second), began + _LEAST)
    return expiry


def wechat_book(pool: str) -> str:
    """The book of the receipts for a pool's money that came through WeChat Pay."""
    return f"WX{pool}"


def place_fits(place: str, region: str) -> bool:
    """Whether the place of insurance that a payer chose takes in the bill's region (S004-20)."""
    return in_pool(region, place) if len(place) == 6 else region.startswith(place)


CROCKFORD = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
