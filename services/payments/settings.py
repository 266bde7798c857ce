"""Settings of payments, from the environment (PAYMENTS_…)."""

from datetime import time
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, SecretStr, model_validator
from pydantic_settings import SettingsConfigDict

from shared.codes import Channel
from shared.service import ServiceSettings


class BankSettings(BaseModel):
    """A bank that collects for us (销账). Secrets are references (`file:…`, `env:…`), never values."""

    model_config = ConfigDict(extra="forbid")

    key: str
    """Where the shared key of its MACs lies, in hex, 16 bytes at least."""
    digest: Literal["sm3", "sha256"] = "sm3"
    form: Literal["json"] = "json"
    companies: dict[str, Annotated[str, Field(pattern=r"^[0-9]{6}$")]]
    """The company codes it has given us, each with the pool whose money it collects."""
    return_codes: dict[str, str] = {}
    """Return codes of its own, by our name for the answer (`rules.bank.Code`)."""
    cut_over: time = time()
    """From when on its accounting day is the next one; midnight: with the calendar."""
    payouts_url: str = ""


class WechatSettings(BaseModel):
    """The merchant at WeChat Pay (APIv3). Secrets are references (`file:…`, `env:…`), never values."""

    model_config = ConfigDict(extra="forbid")

    base_url: str = "https://api.mch.weixin.qq.com"
    mchid: str
    appid: str
    merchant_serial: str
    """Serial of the merchant's certificate."""
    private_key: str
    """Where the merchant's private key lies, as PEM."""
    apiv3_key: str
    """Where the APIv3 key lies, 32 bytes: notifications are sealed with it."""
    platform_keys: dict[str, str]
    """Whom we believe: serial of a platform certificate or PUB_KEY_ID_… → PEM or where it lies. Both kinds at once."""
    notify_base_url: str
    """Address of payments as WeChat sees it, https in production."""
    description: Annotated[str, Field(max_length=90)] = "城乡居民基本医疗保险费"
    """What the payer reads in the cashier."""
    order_minutes: Annotated[int, Field(ge=1, le=120)] = 30
    """How long an order can be paid."""
    timeout_seconds: Annotated[float, Field(gt=0, le=60)] = 10
    pause_seconds: Annotated[float, Field(ge=0, le=10)] = 0.3
    """Before a question is repeated that was not answered."""
    ask_seconds: Annotated[float, Field(gt=0)] = 15
    """Wall seconds after which WeChat is asked about an order; doubles each time, up to five minutes."""

    @model_validator(mode="after")
    def _asks_after_the_answer(self) -> Self:
        if self.ask_seconds <= self.timeout_seconds:
            raise ValueError("ask_seconds is longer than timeout_seconds: a call under way is not asked about")
        return self


class TaxOfficeSettings(BaseModel):
    """The tax bureau's side that takes applications to pay money back. The key is a reference (`file:…`, `env:…`)."""

    model_config = ConfigDict(extra="forbid")

    base_url: str
    key_id: str
    signing_key: str
    """Where our Ed25519 private key lies, as PEM."""


class Settings(ServiceSettings):
    """Where registration, whose news payments follows, is found; the rest stands in ServiceSettings."""

    model_config = SettingsConfigDict(env_prefix="PAYMENTS_", extra="ignore")

    registration_url: str = "http://127.0.0.1:8001"
    remit_within_days: Annotated[int, Field(ge=0)] = 7
    """Days for which agents, towns and counters may hold money before they are named as overdue (S002-32)."""
    sealing_keys: SecretStr = SecretStr("")
    banks: dict[str, BankSettings] = Field(default_factory=dict)
    wechat: WechatSettings | None = None
    public_url: str = ""
    """Address under which channels call payments, where a proxy stands before it; empty: the address they call."""
    tax_office: TaxOfficeSettings | None = None
    refund_ask_seconds: Annotated[float, Field(gt=0)] = 60
    """Wall seconds after which a channel is asked about a refund; doubles each time, up to an hour."""
    tax_keys: dict[str, str] = Field(default={})
    """The tax bureau's public keys: key id → PEM (Ed25519). Several while a key is changed."""
    statement_window_days: Annotated[int, Field(ge=0, le=30)] = 3
    """Days after its own on which the counterpart of a statement's line may still come (T+1…T+3)."""
    statement_due_days: Annotated[int, Field(ge=1, le=90)] = 7
    """Days in which a statement whose totals differ is to be accepted or rejected."""
    break_due_days: Annotated[int, Field(ge=1, le=90)] = 7
    """Days in which a break is to be resolved; after them it is an alarm."""
    break_owner: str = "agency"
    """Who sees to a break where nobody has brought a file."""
    statement_channels: tuple[Channel, ...] = (Channel.WECHAT, Channel.BANK, Channel.ETAX)
    """Channels that print a statement for every day on which money came."""
