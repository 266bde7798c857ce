"""What lies under the sealing keys of payments. Its look-up key makes the check codes of receipts, which stand on paper
and nowhere else."""

from shared.rotation.columns import SealedColumn, shared_columns

from ..tables import (
    agreement,
    channel_message,
    metadata,
    refund_account,
    refund_package_item,
    statement_row,
)
from . import refund_accounts, unionpay
from .agreements import account_context
from .statements import line_context
from .treasury_refunds import item_context

SEALED = (
    *shared_columns(metadata),
    SealedColumn(agreement, "account", lambda row: account_context(row["agreement_id"])),
    SealedColumn(refund_account, "sealed", lambda row: refund_accounts.account_context(row["application_id"])),
    SealedColumn(refund_package_item, "sealed", lambda row: item_context(row["refund_id"]), also=("refund_id",)),
    SealedColumn(
        statement_row,
        "raw",
        lambda row: line_context(row["statement_id"], row["line_no"]),
        also=("line_no",),
    ),
    SealedColumn(
        channel_message,
        "body",
        lambda row: unionpay.message_context(row["message_id"]),
        only=f"channel = '{unionpay.CHANNEL}'",
    ),
)
"""Every sealed column; of the messages of channels only those that name cards in clear are sealed."""
