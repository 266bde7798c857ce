"""How a webhook and its deliveries move, when an attempt is repeated, what a receiver's answer means. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from enum import StrEnum
from typing import Any

from ..graph import Graph


class WebhookState(StrEnum):
    """How a webhook stands."""

    ACTIVE = "active"
    FAILING = "failing"
    DISABLED = "disabled"
    ENDED = "ended"


class WebhookAct(StrEnum):
    """What happens to a webhook."""

    SUBSCRIBE = "subscribe"
    GIVE_UP = "give_up"
    RECOVER = "recover"
    GONE = "gone"
    RESUME = "resume"
    END = "end"


WEBHOOK_TRANSITIONS: Graph[WebhookState, WebhookAct] = Graph(
    WebhookState,
    WebhookAct,
    {
        (None, WebhookAct.SUBSCRIBE): WebhookState.ACTIVE,
        (WebhookState.ACTIVE, WebhookAct.GIVE_UP): WebhookState.FAILING,
        (WebhookState.FAILING, WebhookAct.RECOVER): WebhookState.ACTIVE,
        (WebhookState.ACTIVE, WebhookAct.GONE): WebhookState.DISABLED,
        (WebhookState.FAILING, WebhookAct.GONE): WebhookState.DISABLED,
        (WebhookState.FAILING, WebhookAct.RESUME): WebhookState.ACTIVE,
        (WebhookState.DISABLED, WebhookAct.RESUME): WebhookState.ACTIVE,
        (WebhookState.ACTIVE, WebhookAct.END): WebhookState.ENDED,
        (WebhookState.FAILING, WebhookAct.END): WebhookState.ENDED,
        (WebhookState.DISABLED, WebhookAct.END): WebhookState.ENDED,
    },
)


class DeliveryState(StrEnum):
    """How a delivery, one event for one webhook, stands."""

    WAITING = "waiting"
    SENDING = "sending"
    DELIVERED = "delivered"
    FAILED = "failed"


class DeliveryAct(StrEnum):
    """What happens to a delivery."""

    SPREAD = "spread"
    SEND = "send"
    ACCEPT = "accept"
    PUT_OFF = "put_off"
    GIVE_UP = "give_up"
    REPLAY = "replay"


DELIVERY_TRANSITIONS: Graph[DeliveryState, DeliveryAct] = Graph(
    DeliveryState,
    DeliveryAct,
    {
        (None, DeliveryAct.SPREAD): DeliveryState.WAITING,
        (DeliveryState.WAITING, DeliveryAct.SEND): DeliveryState.SENDING,
        # Whoever sent it before has died: its lease has run out, and it goes out again under the same id.
        (DeliveryState.SENDING, DeliveryAct.SEND): DeliveryState.SENDING,
        (DeliveryState.SENDING, DeliveryAct.ACCEPT): DeliveryState.DELIVERED,
        (DeliveryState.SENDING, DeliveryAct.PUT_OFF): DeliveryState.WAITING,
        (DeliveryState.SENDING, DeliveryAct.GIVE_UP): DeliveryState.FAILED,
        (DeliveryState.DELIVERED, DeliveryAct.REPLAY): DeliveryState.WAITING,
        (DeliveryState.FAILED, DeliveryAct.REPLAY): DeliveryState.WAITING,
    },
)

GRAPHS: Mapping[str, Graph[Any, Any]] = {"webhook": WEBHOOK_TRANSITIONS, "webhook_delivery": DELIVERY_TRANSITIONS}
"""By the table whose rows they move."""

SCHEDULE: tuple[timedelta, ...] = (
    timedelta(0),
    timedelta(seconds=5),
    timedelta(minutes=5),
    timedelta(minutes=30),
    *(timedelta(hours=hours) for hours in (2, 5, 10, 14, 20, 24)),
)
"""How long after the failure before it each attempt is made, by wall time: ten attempts in a little over three days."""

LONGEST_PAUSE = timedelta(hours=24)
SLOW_PAUSE = timedelta(minutes=1)
"""For how long a webhook rests that asks us to slow down and does not say for how long."""

_SLOW = (429, 502, 503, 504)


class Trouble(StrEnum):
    """Why an attempt got no answer, or its answer was no success."""

    ADDRESS_FORBIDDEN = "address_forbidden"
    NAME_UNKNOWN = "name_unknown"
    UNREACHABLE = "unreachable"
    TIMED_OUT = "timed_out"
    REDIRECTED = "redirected"
    REFUSED = "refused"
    SLOW_DOWN = "slow_down"
    GONE = "gone"


@dataclass(frozen=True)
class Attempt:
    """What came of one attempt: an HTTP status with its Retry-After, or the trouble that kept it from coming."""

    at: datetime
    status: int | None = None
    trouble: Trouble | None = None
    retry_after: timedelta | None = None


@dataclass(frozen=True)
class Verdict:
    """What an attempt means: the delivery's and the webhook's next step."""

    act: DeliveryAct
    due_at: datetime | None = None
    rest_until: datetime | None = None
    webhook_act: WebhookAct | None = None


def answered(at: datetime, status: int, retry_after: str) -> Attempt:
    """The attempt behind an answer: 2xx is success; a redirection is none, because we follow nobody elsewhere."""
    if 200 <= status < 300:
        return Attempt(at, status)
    if status in _SLOW:
        return Attempt(at, status, Trouble.SLOW_DOWN, read_retry_after(retry_after, at))
    if status == 410:
        return Attempt(at, status, Trouble.GONE)
    return Attempt(at, status, Trouble.REDIRECTED if 300 <= status < 400 else Trouble.REFUSED)


def judge(attempt: Attempt, made: int, state: WebhookState) -> Verdict:
    """What is next after the `made`-th attempt (from 1) of a delivery to a webhook in `state`."""
    if attempt.trouble is None:
        return Verdict(DeliveryAct.ACCEPT, webhook_act=WebhookAct.RECOVER if state is WebhookState.FAILING else None)
    if attempt.trouble is Trouble.GONE:
        # It stays due: who resumes the webhook gets what has not been delivered.
        return Verdict(DeliveryAct.PUT_OFF, attempt.at, webhook_act=WebhookAct.GONE)
    rest = None
    if attempt.trouble is Trouble.SLOW_DOWN:
        rest = attempt.at + min(attempt.retry_after or SLOW_PAUSE, LONGEST_PAUSE)
    if made >= len(SCHEDULE):
        act = WebhookAct.GIVE_UP if state is WebhookState.ACTIVE else None
        return Verdict(DeliveryAct.GIVE_UP, rest_until=rest, webhook_act=act)
    due = attempt.at + SCHEDULE[made]
    return Verdict(DeliveryAct.PUT_OFF, max(due, rest) if rest else due, rest)


def read_retry_after(text: str, at: datetime) -> timedelta | None:
    """A Retry-After header, in seconds or as a date; None where it says nothing that can be read."""
    text = text.strip()
    if text.isascii() and text.isdigit():
        return (
            timedelta(seconds=min(int(text), int(LONGEST_PAUSE.total_seconds()))) if len(text) < 12 else LONGEST_PAUSE
        )
    try:
        until = parsedate_to_datetime(text)
        return max(until.replace(tzinfo=until.tzinfo or UTC) - at, timedelta(0))
    except (ValueError, OverflowError, TypeError):
        return None
