"""The problems of orders with channels."""

from shared.problem import ProblemType

ORDER_UNKNOWN = ProblemType(
    "order_unknown",
    404,
    ("缴费订单不存在", "No such order"),
    ("没有缴费订单 {order_no}", "There is no order {order_no}"),
)
ORDER_NOT_OPENED = ProblemType(
    "order_not_opened",
    409,
    ("订单未能下单", "The order could not be placed"),
    (
        "订单 {order_no} 未能在渠道下单（{reason}），请换新 Idempotency-Key 重新下单",
        "Order {order_no} could not be placed with the channel ({reason}); order anew with a new Idempotency-Key",
    ),
)
ORDER_ENDED = ProblemType(
    "order_ended",
    409,
    ("订单已结束", "The order has ended"),
    ("订单 {order_no} 已是 {status}，不能关闭", "Order {order_no} is {status} and cannot be closed"),
)
BILL_BEING_PAID = ProblemType(
    "bill_being_paid",
    409,
    ("应缴单正在支付", "The bill is being paid"),
    (
        "应缴单 {bill_no} 的另一订单正在支付，请稍后用同一个 Idempotency-Key 重试",
        "Bill {bill_no} is being paid through another order; repeat shortly with the same Idempotency-Key",
    ),
)
APPID_NOT_OURS = ProblemType(
    "appid_not_ours",
    409,
    ("应用不属于本商户", "Not an application of this merchant"),
    (
        "appid {appid} 未在本商户下配置，请改用已配置的 appid 或不填",
        "Application {appid} is not set up for this merchant; name one that is, or leave it out",
    ),
)
ORDER_STANDS = ProblemType(
    "order_stands",
    409,
    ("另一订单尚可支付", "Another order can still be paid"),
    (
        "渠道 {channel} 的订单 {order_no} 不能关单；请支付该订单，或在 {until} 之后换新 Idempotency-Key 重新下单",
        "Order {order_no} with {channel} cannot be closed: pay it, or order anew, with a new key, after {until}",
    ),
)
BILL_BEING_WITHHELD = ProblemType(
    "bill_being_withheld",
    409,
    ("应缴单正在代扣", "The bill is being withheld"),
    (
        "应缴单已交银行 {institution} 代扣（批次 {batch_no}），请待代扣结果，扣款失败后再缴",
        "Bank {institution} was asked to debit this bill (batch {batch_no}); pay it otherwise only if that fails",
    ),
)
CHANNEL_NOT_OFFERED = ProblemType(
    "channel_not_offered",
    409,
    ("渠道未开通", "The channel is not offered"),
    ("渠道 {channel} 未开通，请选择其他缴费渠道", "Channel {channel} is not set up here; choose another one"),
)
