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
CHANNEL_NOT_OFFERED = ProblemType(
    "channel_not_offered",
    409,
    ("渠道未开通", "The channel is not offered"),
    ("渠道 {channel} 未开通，请选择其他缴费渠道", "Channel {channel} is not set up here; choose another one"),
)
