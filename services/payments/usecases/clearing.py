"""Clearing: what a channel holds of ours goes to the special account once its accepted statement says that it is there.

One posting per collection, named by it, so that the ledger itself refuses a second one and a reversal finds what it has
to take back. Money at a counter or with an agent goes up on other ways: shifts and slips.
"""

from collections.abc import Iterable
from datetime import datetime

from shared.codes import Channel
from shared.database import Row, Writer

from .. import rules
from ..rules.accounts import held_by_bank
from ..rules.orders import WECHAT_ACCOUNT
from ..rules.tax import ETAX_ACCOUNT
from ..store import breaks as store
from .posting import transfer

KIND = "clear"
HOLDING = (Channel.WECHAT, Channel.BANK, Channel.ETAX)
"""The channels that hold what they have collected until they have accounted for it."""

_CHUNK = 1_000


async def clear(tx: Writer, statement: Row, now: datetime) -> bool:
    """Clear what the rows of a locked, accepted statement stand for; whether there may be more."""
    if statement["channel"] not in HOLDING:
        return False
    rows = await store.uncleared(tx, statement["pool"], statement["statement_id"], _CHUNK)
    await post(tx, statement, rows, now)
    for home in sorted({row["pool"] for row in rows}):
        ids = [row["collection_id"] for row in rows if row["pool"] == home]
        await store.mark_cleared(tx, statement["pool"], home, ids, now)
    return len(rows) == _CHUNK


async def post(tx: Writer, statement: Row, collections: Iterable[Row], now: datetime) -> None:
    """Post what a channel held of these live collections, which are locked, to the special account."""
    held = held_by(Channel(statement["channel"]), statement["institution"])
    await store.post_clearing(
        tx,
        [
            transfer(row, KIND, rules.SPECIAL_ACCOUNT, held, row["amount_fen"], row["collection_id"], now)
            for row in collections
        ],
    )


def held_by(channel: Channel, institution: str) -> str:
    """The account of what a channel holds; what the counter's acquirer has, it has paid in already."""
    return {
        Channel.WECHAT: WECHAT_ACCOUNT,
        Channel.ETAX: ETAX_ACCOUNT,
        Channel.BANK: held_by_bank(institution),
    }.get(channel, rules.SPECIAL_ACCOUNT)
