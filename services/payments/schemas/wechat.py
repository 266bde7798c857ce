"""What WeChat Pay tells (APIv3): notifications, orders and refunds as they stand there. Its names, its words."""

from typing import Annotated

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

Fen = Annotated[int, Field(ge=0, strict=True)]


class _Told(BaseModel):
    """WeChat adds fields as it likes."""

    model_config = ConfigDict(extra="ignore", frozen=True)


class SealedResource(_Told):
    """The encrypted part of a notification."""

    algorithm: str
    ciphertext: str
    nonce: str
    associated_data: str | None = None
    original_type: str = ""


class WechatNotice(_Told):
    """A notification as it comes: an envelope with an encrypted resource in it."""

    id: str = Field(min_length=1, max_length=64)
    event_type: str = Field(max_length=64)
    resource: SealedResource


class WechatCertificate(_Told):
    """A platform certificate, sealed under the APIv3 key."""

    serial_no: str = Field(min_length=1, max_length=64)
    encrypt_certificate: SealedResource


class WechatCertificates(_Told):
    """The platform certificates that are handed out."""

    data: list[WechatCertificate]


class WechatAmount(_Told):
    """The amount of an order, in fen; `payer_total` is what is left of it after a coupon."""

    total: Fen
    currency: str = "CNY"


class WechatPayer(_Told):
    """Who paid, under the appid's own name for them."""

    openid: str = ""


class WechatTransaction(_Told):
    """An order as WeChat knows it. Paid, it has a transaction_id and the instant of success.

    Whatever else is said of it stays with it, because the payment's submission is made of it.
    """

    model_config = ConfigDict(extra="allow", frozen=True)

    mchid: str
    appid: str
    out_trade_no: str = Field(min_length=1, max_length=32)
    trade_state: str
    transaction_id: str = Field(default="", max_length=32)
    trade_type: str = ""
    success_time: AwareDatetime | None = None
    amount: WechatAmount | None = None
    payer: WechatPayer | None = None
    attach: str = ""


class WechatRefundAmount(_Told):
    """The amounts of a refund, in fen."""

    total: Fen
    refund: Fen


class WechatRefund(_Told):
    """A refund as WeChat knows it. A notification names its state `refund_status`, an answer `status`."""

    out_refund_no: str = Field(min_length=1, max_length=64)
    refund_id: str = ""
    out_trade_no: str = ""
    transaction_id: str = ""
    status: str
    success_time: AwareDatetime | None = None
    user_received_account: str = ""
    amount: WechatRefundAmount | None = None


class BillTicket(_Told):
    """Where a bill lies, and the hash over its bytes as they are unpacked."""

    hash_type: str
    hash_value: str
    download_url: str
