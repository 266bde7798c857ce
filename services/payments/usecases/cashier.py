"""What the machinery of orders needs of a channel that payers are sent to (收银台): one port, an adapter per channel.

Whoever asks a channel gets its word on an order (`Said`); where the money has come, also what is to be booked (`Came`).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Protocol

from shared.clock import wall_now
from shared.database import Row, Writer

from ..clients import Outcome
from ..rules import orders as rules
from ..schemas import orders as wire
from ..store import orders as store
from .settling import Payment, settle


@dataclass(frozen=True)
class Came:
    """Money that has come: the channel's number of the payment, and the payment as it is booked."""

    transaction_id: str
    payment: Payment


@dataclass(frozen=True)
class Said:
    """The channel's word on an order. `came` stands with PAID; without it the channel is to be asked what was paid."""

    word: rules.Word
    came: Came | None = None


class Cashier(Protocol):
    """A channel that takes orders. Rows are those of `channel_order`; no call is made inside a transaction."""

    channel: str
    closes: bool
    """Whether it can close an order before its time is over."""
    patience: timedelta
    """How long an order is left alone before the channel is asked about it."""

    def require(self, order: wire.OrderPlacement) -> None:
        """Whether such an order can be taken here. Raises a Problem of `order_problems` that says why not."""
        ...

    def minutes(self, product: rules.Product) -> int:
        """How long an order can be paid."""
        ...

    def request(
        self, order: wire.OrderPlacement, order_no: str, bill: Row, now: datetime, expires_at: datetime
    ) -> dict[str, Any]:
        """What is sent to place the order. It is kept: sent again it must be the same."""
        ...

    async def place(self, row: Row) -> Outcome[str]:
        """Place an order, once; what the channel hands out for paying (its ticket)."""
        ...

    def stands_there(self, code: str) -> bool:
        """Whether a refusal says that an order of this number stands there already."""
        ...

    def shown(self, row: Mapping[str, Any]) -> dict[str, Any]:
        """How an open order shows the payer the way to the cashier: fields of `schemas.orders.Order`."""
        ...

    async def query(self, row: Row) -> Said | None:
        """What the channel knows of an order; None where that cannot be told just now."""
        ...

    async def end(self, row: Row, *, over: bool) -> Said | None:
        """End an order that nobody has paid: close it, or, where that cannot be done, wait until its time is `over`."""
        ...

    def told_by_statement(self, order: Row, reference: str, amount_fen: int, paid_at: datetime) -> Came:
        """The money of an order of which only the channel's statement tells."""
        ...


async def book(
    tx: Writer, pool: str, order: Row | None, came: Came, now: datetime
) -> tuple[Mapping[str, Any], Row | None]:
    """Book money that a channel has taken, once; its collection and its order.

    Money without an order of ours is booked under the number that it came with, for which there is no bill. The bill is
    locked before the order, as everywhere.
    """
    [collection] = await settle(tx, pool, [came.payment], now)
    if order is None:
        return collection, None
    locked = await store.lock_order(tx, pool, order["order_no"])
    assert locked is not None
    act = rules.order_step(rules.OrderStatus(locked["status"]), rules.Word.PAID, over=False)
    if act is None:
        return collection, locked
    paid = rules.ORDER_TRANSITIONS[rules.OrderStatus(locked["status"]), act]
    details = {"transaction_id": came.transaction_id, "collection_id": collection["collection_id"]}
    return collection, await store.move_order(tx, locked, paid, wall_now(), **details)
