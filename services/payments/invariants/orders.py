"""What must hold of orders with channels and of the messages that channels send."""

from shared.invariants import Invariant

from ..rules.orders import AGE_LIMITS

ORDER_LIMITS = " ".join(
    f"when '{status}' then interval '{limit.total_seconds():.0f} seconds'" for status, limit in AGE_LIMITS.items()
)

INVARIANTS = (
    Invariant(
        "paid_order_has_its_money",
        "A paid order has the money that its channel's number stands for, booked to its bill or in suspense",
        """
        select channel_order.pool, channel_order.order_no as subject
        from channel_order left join collection on collection.pool = channel_order.pool
            and collection.collection_id = channel_order.collection_id
        left join submission on submission.pool = channel_order.pool
            and submission.submission_id = collection.submission_id
        where channel_order.status = 'paid' and (submission.reference is null
            -- In the books UnionPay is a bank, whose references begin with institution and accounting day.
            or (submission.channel, regexp_replace(submission.reference, '^UNIONPAY/[0-9]{8}/', '')) is distinct from
                (case channel_order.channel when 'unionpay' then 'bank' else channel_order.channel end,
                channel_order.transaction_id)
            or collection.bill_no <> channel_order.bill_no and collection.outcome <> 'suspense')
        """,
    ),
    Invariant(
        "order_comes_to_its_end",
        "No order stands longer than its state may last, by wall time",
        f"""
        select pool, order_no as subject from channel_order
        where entered_at < now() - case status {ORDER_LIMITS} end
        """,
    ),
    Invariant(
        "channel_message_is_judged",
        "Every message of a channel was understood, and acted upon within ten minutes, by wall time",
        """
        select pool, message_id as subject from channel_message
        where status = 'unreadable' or (status = 'received' and entered_at < now() - interval '10 minutes')
        """,
    ),
)
