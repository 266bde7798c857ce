"""The wire of webhooks and its problems."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from ..problem import ProblemType
from ..regions import POOL_PATTERN
from .rules import DeliveryState, Trouble, WebhookState

WEBHOOK_UNKNOWN = ProblemType(
    "webhook_unknown",
    404,
    ("推送订阅不存在", "There is no such webhook"),
    (
        "本应用在 {pool} 没有推送订阅 {webhook_id}，请核对编号与统筹区",
        "Your application has no webhook {webhook_id} in {pool}; check the id and the pool",
    ),
)
WEBHOOK_URL_REFUSED = ProblemType(
    "webhook_url_refused",
    422,
    ("推送地址不可用", "The address cannot be called"),
    (
        "推送地址须为公网 https 地址，不带用户名和片段（{reason}）",
        "The address must be a public https one without user name and fragment ({reason})",
    ),
)
WEBHOOK_LIMIT = ProblemType(
    "webhook_limit",
    409,
    ("推送订阅过多", "Too many webhooks"),
    (
        "本应用在 {pool} 已有 {limit} 个推送订阅，请先结束不用的",
        "Your application has {limit} webhooks in {pool}; end those that you do not use",
    ),
)
WEBHOOK_IN_STATE = ProblemType(
    "webhook_in_state",
    409,
    ("订阅的状态不允许此操作", "The webhook's state does not allow this"),
    ("订阅现为 {state}，不能执行此操作", "The webhook is {state}; this cannot be done to it"),
)
DELIVERY_UNKNOWN = ProblemType(
    "webhook_delivery_unknown",
    404,
    ("推送记录不存在", "There is no such delivery"),
    (
        "没有事件 {seq} 的推送记录，可能已按期限清除；请从事件流重放",
        "There is no delivery of event {seq}, or it was removed after its days; replay it from the feed",
    ),
)
CURSOR_AHEAD = ProblemType(
    "webhook_cursor_ahead",
    422,
    ("游标超前", "The cursor is ahead"),
    ("游标 {after} 超过了已推送到的位置 {seq}", "The cursor {after} lies beyond {seq}, where this webhook stands"),
)

_ID = "0192f0c4-7b7a-7c3e-8a55-3f1f7f1b2a40"
_AT = "2021-12-05T02:00:01Z"
Kind = Annotated[str, Field(pattern=r"^[a-z_]{1,40}\.[a-z_]{1,40}$")]


class NewWebhook(BaseModel):
    """Whom to call, and about what."""

    model_config = ConfigDict(extra="forbid")

    pool: str = Field(pattern=POOL_PATTERN, description="Pooling area whose events are pushed", examples=["990101"])
    url: str = Field(
        max_length=1000,
        description="Public https address that takes a POST",
        examples=["https://partner.example/canbao"],
    )
    kinds: list[Kind] = Field(
        default=[], max_length=50, description="Kinds of events to push; empty: all", examples=[["bill.paid"]]
    )
    after: int | None = Field(
        default=None, ge=0, lt=2**63, description="Begin after this `seq` of the feed; absent: with what comes now",
        examples=[0],
    )  # fmt: skip


class Webhook(BaseModel):
    """A subscription of an application to a pool's events."""

    pool: str = Field(description="Pooling area", examples=["990101"])
    webhook_id: UUID = Field(description="The webhook", examples=[_ID])
    client_id: str = Field(description="The application whose webhook it is", examples=["demo"])
    url: str = Field(description="The address that is called", examples=["https://partner.example/canbao"])
    kinds: list[str] = Field(description="Kinds of events; empty: all", examples=[["bill.paid"]])
    state: WebhookState = Field(
        description="`failing`: ten attempts of a delivery have failed, nothing new is pushed until one succeeds or "
        "the webhook is started again; `disabled`: it answered 410",
        examples=["active"],
    )
    state_since: datetime = Field(description="Wall time since which it is in that state", examples=[_AT])
    seq: int = Field(description="The last event of the feed that has its delivery", examples=[500])
    failures: int = Field(description="Failed attempts since the last success", examples=[0])
    rest_until: datetime | None = Field(
        description="Wall time until which nothing is sent, because the receiver asked for it", examples=[None]
    )
    old_secret_until: datetime | None = Field(
        description="Wall time until which the secret before signs as well", examples=[None]
    )
    secret: str | None = Field(
        default=None,
        description="The endpoint's secret, shown once: in the answer that made it; null everywhere else",
        examples=["whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"],
    )
    public_key: str | None = Field(
        description="The service's public key of signatures `v1a`; null where it signs with the secret alone",
        examples=[None],
    )
    created_at: datetime = Field(description="Wall time at which it was made", examples=[_AT])
    created_by: str = Field(description="Who made it", examples=["li.na"])
    version: int = Field(description="Version of the record, as in its ETag", examples=[1])


class WebhookPage(BaseModel):
    """The application's webhooks of a pool."""

    items: list[Webhook] = Field(description="In the order in which they were made", examples=[[]])
    next: str | None = Field(description="Cursor of the next page; null where nothing is left", examples=[None])


class Answer(BaseModel):
    """What came of one attempt."""

    at: datetime = Field(description="Wall time", examples=[_AT])
    status: int | None = Field(description="HTTP status; null where no answer came", examples=[200])
    trouble: Trouble | None = Field(description="Why it was no success; null where it was", examples=[None])


class Delivery(BaseModel):
    """One event for one webhook."""

    seq: int = Field(description="The event's number in the feed", examples=[500])
    event_id: UUID = Field(description="The event, `webhook-id` of every attempt", examples=[_ID])
    type: str = Field(description="Kind of event", examples=["bill.paid"])
    state: DeliveryState = Field(
        description="How it stands; `failed`: ten attempts have failed", examples=["delivered"]
    )
    attempts: int = Field(description="Attempts since it was spread or replayed", examples=[1])
    due_at: datetime | None = Field(description="Wall time of the next attempt; null where none is", examples=[None])
    answers: list[Answer] = Field(description="The last twenty attempts, oldest first", examples=[[]])
    concluded_at: datetime | None = Field(description="Wall time of the last attempt, where it ended", examples=[_AT])


class DeliveryPage(BaseModel):
    """Deliveries of a webhook, the newest event first."""

    items: list[Delivery] = Field(description="Deliveries", examples=[[]])
    next: str | None = Field(description="Cursor of the next page; null where nothing is left", examples=["499"])


class Replay(BaseModel):
    """From where to push again."""

    model_config = ConfigDict(extra="forbid")

    after: int = Field(ge=0, lt=2**63, description="Push every event after this `seq` of the feed again", examples=[0])
