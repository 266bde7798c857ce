"""Orders: a payer is sent to a channel with the bill's amount, and comes back when it is paid."""

from datetime import datetime
from typing import Literal, Self
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, IPvAnyAddress, model_validator

from shared.regions import REGION_PATTERN

from ..rules.orders import Product
from .fields import BillNo, Body, PoolField, PositiveFen, RegionField, SchemeNamed

ORDER_STATES = {
    "created": "待下单",
    "open": "待支付",
    "closing": "关单中",
    "paid": "已支付",
    "closed": "已关闭",
    "expired": "已过期",
    "failed": "下单失败",
}

_PRODUCT = "How the payer gets to the cashier: jsapi (inside WeChat), h5 (a browser on the phone), native (a QR code)"


class OrderPlacement(Body):
    """Order the payment of a bill through a channel. An open order for the same bill is closed first."""

    pool: PoolField
    bill_no: BillNo
    channel: Literal["wechat", "unionpay"] = Field(description="The channel", examples=["wechat"])
    product: Product = Field(default=Product.JSAPI, description=_PRODUCT, examples=["jsapi"])
    appid: str | None = Field(
        default=None,
        max_length=32,
        description="The merchant's application that the payer uses; the first one where left out",
        examples=["wxd678efh567hg6787"],
    )
    openid: str | None = Field(
        default=None,
        min_length=1,
        max_length=128,
        pattern=r"^[0-9A-Za-z_-]+$",
        description="The payer under that appid; with product jsapi only",
        examples=["oUpF8uMuAJO_M2pxb1Q9zNjWeS6o"],
    )
    client_ip: IPvAnyAddress | None = Field(
        default=None, description="The payer's own address; with product h5 only", examples=["203.0.113.7"]
    )
    device: Literal["iOS", "Android", "Wap"] | None = Field(
        default=None, description="What the payer's browser runs on; with product h5 only", examples=["Wap"]
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
    scheme: SchemeNamed = None

    @model_validator(mode="after")
    def _payer_fits_product(self) -> Self:
        if self.channel == "unionpay":
            if self.product is Product.JSAPI or self.openid or self.client_ip or self.device or self.appid:
                raise ValueError("channel unionpay knows the products native and h5, and needs nothing of the payer")
            return self
        if (self.product is Product.JSAPI) != (self.openid is not None):
            raise ValueError("`openid` is given with product jsapi, and only then")
        if {self.client_ip is not None, self.device is not None} != {self.product is Product.H5}:
            raise ValueError("`client_ip` and `device` are given with product h5, and only then")
        return self


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


class CashierForm(BaseModel):
    """A form that the payer's browser sends (POST) to get to the cashier; its fields are signed as they are."""

    action: str = Field(
        description="Where to send it", examples=["https://gateway.95516.com/gateway/api/frontTransReq.do"]
    )
    fields: dict[str, str] = Field(
        description="Its fields, all of them and nothing else", examples=[{"txnType": "01", "signature": "mjk31…"}]
    )


class Order(BaseModel):
    """缴费订单: an attempt to pay a bill through a channel."""

    pool: PoolField
    order_no: str = Field(
        description="Number, also the channel's out_trade_no; begins with the pool",
        examples=["99010101HFQ8N7YVFK5T2WB8XCDQ3M9Z"],
    )
    channel: Literal["wechat", "unionpay"] = Field(description="The channel", examples=["wechat"])
    product: Product = Field(description=_PRODUCT, examples=["jsapi"])
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
        description="How to open the cashier (jsapi); while the order is open only",
        examples=[{
            "appId": "wxd678efh567hg6787", "timeStamp": "1790820000", "nonceStr": "593BEC0C930BF1AFEB40B4A08C8FB242",
            "package": "prepay_id=wx201410272009395522657a690389285100", "signType": "RSA", "paySign": "ETJCZbythxs…",
        }],
    )  # fmt: skip
    h5_url: str | None = Field(
        description="Where to send the payer's browser (h5), within five minutes; while the order is open only",
        examples=[
            "https://wx.tenpay.com/cgi-bin/mmpayweb-bin/checkmweb?prepay_id=wx2916263004719461949c84457c735b0000"
        ],
    )
    code_url: str | None = Field(
        description="What to show as a QR code (native); while the order is open only",
        examples=["weixin://wxpay/bizpayurl?pr=p4lpSuKzz"],
    )
    form: CashierForm | None = Field(
        description="The form to send from the payer's browser (h5 of UnionPay); while the order is open only",
        examples=[None],
    )
    version: int = Field(description="Version, also the ETag", examples=[2])
