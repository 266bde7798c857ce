"""Orders: a payer is sent to a channel with the bill's amount, and comes back when it is paid."""

from datetime import datetime
from typing import Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from shared.regions import REGION_PATTERN

from .fields import BillNo, Body, PoolField, PositiveFen, RegionField

ORDER_STATES = {
    "created": "待下单",
    "open": "待支付",
    "closing": "关单中",
    "paid": "已支付",
    "closed": "已关闭",
    "expired": "已过期",
    "failed": "下单失败",
}


class OrderPlacement(Body):
    """Order the payment of a bill through a channel. An open order for the same bill is closed first."""

    pool: PoolField
    bill_no: BillNo
    channel: Literal["wechat"] = Field(description="The channel", examples=["wechat"])
    openid: str = Field(
        min_length=1,
        max_length=128,
        pattern=r"^[0-9A-Za-z_-]+$",
        description="The payer under the merchant's appid",
        examples=["oUpF8uMuAJO_M2pxb1Q9zNjWeS6o"],
    )
    payer_name: str = Field(min_length=1, max_length=100, description="缴费人, on the receipt", examples=["王小明"])
    payer_id: UUID | None = Field(
        default=None, description="The payer's person_id where known", examples=["0192f0c4-7b7a-7c3e-8a55-3f1f7f1b2a02"]
    )
    place: str | None = Field(
        default=None,
        pattern=REGION_PATTERN,
        description="Place of insurance that the payer chose, 6, 9 or 12 digits; refused where the bill is of another",
        examples=["990101102"],
    )


class OrderClosing(Body):
    """Close an order that the payer does not want any more."""

    pool: PoolField


class Invocation(BaseModel):
    """What the payer's page hands to WeChat's JSAPI (`chooseWXPay`), as it is."""

    model_config = ConfigDict(populate_by_name=True)

    app_id: str = Field(alias="appId", description="The merchant's appid", examples=["wxd678efh567hg6787"])
    time_stamp: str = Field(alias="timeStamp", description="Seconds, as text", examples=["1790820000"])
    nonce_str: str = Field(alias="nonceStr", description="Nonce", examples=["593BEC0C930BF1AFEB40B4A08C8FB242"])
    package: str = Field(
        description="`prepay_id=` and the order's id there", examples=["prepay_id=wx201410272009395522657a690389285100"]
    )
    sign_type: str = Field(alias="signType", description="Kind of signature", examples=["RSA"])
    pay_sign: str = Field(alias="paySign", description="Signature, base64", examples=["ETJCZbythxsCuTfIDaI3436X…"])


class Order(BaseModel):
    """缴费订单: an attempt to pay a bill through a channel."""

    pool: PoolField
    order_no: str = Field(
        description="Number, also the channel's out_trade_no; begins with the pool",
        examples=["99010101HFQ8N7YVFK5T2WB8XCDQ3M9Z"],
    )
    channel: Literal["wechat"] = Field(description="The channel", examples=["wechat"])
    bill_no: BillNo
    region: RegionField
    amount_fen: PositiveFen
    payer_name: str = Field(description="缴费人", examples=["王小明"])
    payer_id: UUID | None = Field(
        description="The payer's person_id where known", examples=["0192f0c4-7b7a-7c3e-8a55-3f1f7f1b2a02"]
    )
    status: Literal["created", "open", "closing", "paid", "closed", "expired", "failed"] = Field(
        description="; ".join(f"{state} {zh}" for state, zh in ORDER_STATES.items()), examples=["open"]
    )
    reason: str | None = Field(description="Why it was closed or failed", examples=[None])
    created_at: datetime = Field(description="When it was made", examples=["2021-12-05T10:00:00+08:00"])
    expires_at: datetime = Field(description="Until when it can be paid", examples=["2021-12-05T10:30:00+08:00"])
    transaction_id: str | None = Field(
        description="The channel's number of the payment", examples=["4200001234202112058888888888"]
    )
    collection_id: UUID | None = Field(
        description="The booked money, once paid", examples=["0192f0c4-7b7a-7c3e-8a55-3f1f7f1b2a03"]
    )
    invocation: Invocation | None = Field(
        description="How to open the cashier; while it is open only",
        examples=[{
            "appId": "wxd678efh567hg6787", "timeStamp": "1790820000", "nonceStr": "593BEC0C930BF1AFEB40B4A08C8FB242",
            "package": "prepay_id=wx201410272009395522657a690389285100", "signType": "RSA", "paySign": "ETJCZbythxs…",
        }],
    )  # fmt: skip
    version: int = Field(description="Version, also the ETag", examples=[2])
