"""The merchant at WeChat Pay."""

from datetime import time
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, IPvAnyNetwork, field_validator, model_validator

_Rate = Annotated[float, Field(gt=0, le=10_000)]


class WechatLimits(BaseModel):
    """What WeChat takes of a merchant, in calls a second. Each process keeps to it by itself: share it among them."""

    model_config = ConfigDict(extra="forbid")

    orders: _Rate = 500
    refunds: _Rate = 150
    refunds_erring: _Rate = 6
    """Refunds a second after one that erred, until one is taken."""
    refund_parts_seconds: Annotated[float, Field(ge=0, le=3600)] = 60
    """Between two refunds of one payment."""


class WechatSettings(BaseModel):
    """The merchant at WeChat Pay (APIv3). Secrets are references (`file:…`, `env:…`), never values."""

    model_config = ConfigDict(extra="forbid")

    base_url: str = "https://api.mch.weixin.qq.com"
    backup_url: str = "https://api2.mch.weixin.qq.com"
    """Where to go while the main address cannot be reached; empty: nowhere."""
    mchid: str
    appid: str
    """The application whose payers order, where an order names no other."""
    other_appids: frozenset[str] = frozenset()
    """Further applications of the merchant (a mini-program beside a service account)."""
    merchant_serial: str
    """Serial of the merchant's certificate, in hex with its leading zeros."""
    private_key: str
    """Where the merchant's private key lies, as PEM."""
    apiv3_key: str
    """Where the APIv3 key lies, 32 bytes: notifications and certificates are sealed with it."""
    platform_keys: dict[str, str] = {}
    """Whom we believe: serial of a platform certificate or PUB_KEY_ID_… → PEM or where it lies. Both kinds at once."""
    certificate_hours: Annotated[float, Field(ge=0, le=24)] = 12
    """How often platform certificates are fetched, kept beside `platform_keys`; 0: never, only the keys named count."""
    notify_base_url: str
    """Address of payments as WeChat sees it: https in production, without query, 200 characters at most."""
    notify_sources: tuple[IPvAnyNetwork, ...] = ()
    """Addresses that notifications may come from; empty: any, because every one of them is verified anyway."""
    trusted_proxies: tuple[IPvAnyNetwork, ...] = ()
    """Our own gateways: only what they say in X-Forwarded-For is believed about where a notification comes from."""
    description: Annotated[str, Field(max_length=90)] = "城乡居民基本医疗保险费"
    """What the payer reads in the cashier."""
    order_minutes: Annotated[int, Field(ge=1, le=120)] = 30
    """How long an order can be paid; one that is paid from a browser (h5) five minutes at most."""
    timeout_seconds: Annotated[float, Field(gt=0, le=60)] = 10
    pause_seconds: Annotated[float, Field(ge=0, le=10)] = 0.3
    """Before a question is repeated that was not answered."""
    ask_seconds: Annotated[float, Field(gt=0)] = 15
    """Wall seconds after which WeChat is asked about an order; doubles each time, up to five minutes."""
    limits: WechatLimits = WechatLimits()
    bill_time: time | None = time(10)
    """From when on, of the day after, a day's bills are fetched; null: they are brought by hand."""
    bill_again_minutes: Annotated[float, Field(gt=0, le=240)] = 30
    """Wall minutes until a bill is asked for again that was not there yet."""
    fund_accounts: tuple[Literal["BASIC", "OPERATION", "FEES"], ...] = ("BASIC",)
    """The merchant's accounts whose fund flow is fetched."""
    account_pool: Annotated[str, Field(pattern=r"^([0-9]{6})?$")] = ""
    """The pool whose money lies in the basic account: the fund flow is a statement there; empty: it is only kept."""

    @field_validator("notify_base_url")
    @classmethod
    def _can_be_called(cls, address: str) -> str:
        if not address.startswith(("https://", "http://")) or {"?", "#"} & set(address) or len(address) > 200:
            raise ValueError("notify_base_url is an https address without query, of at most 200 characters")
        return address

    @model_validator(mode="after")
    def _asks_after_the_answer(self) -> Self:
        if self.ask_seconds <= self.timeout_seconds:
            raise ValueError("ask_seconds is longer than timeout_seconds: a call under way is not asked about")
        return self

    @model_validator(mode="after")
    def _believes_somebody(self) -> Self:
        if not self.platform_keys and not self.certificate_hours:
            raise ValueError("platform_keys names a key, or certificate_hours says how often certificates are fetched")
        return self
