"""Every SQL statement about webhooks and their deliveries. Times are wall time: a retry waits in the real world."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from ..database import Reader, Row, Writer
from .rules import DeliveryState, WebhookState

LANE = 4
"""Deliveries to one webhook that are under way at the same time; one, while its last attempt failed."""
OPEN = 1_000
"""Deliveries of one webhook that may wait: who answers nothing leaves no more rows than that, only a cursor behind."""
_PAGE = 500
_ANSWERS = 20

_SHOWN = (
    "pool, webhook_id, client_id, url, kinds, state, seq, old_secret_until, rest_until, failures, created_at, "
    "created_by, state_since, version"
)
_DUE = (
    "(delivery.state = 'waiting' and delivery.due_at <= :now "
    "or delivery.state = 'sending' and delivery.leased_until <= :now)"
)


async def add(tx: Writer, row: Mapping[str, Any]) -> None:
    """Store a new webhook."""
    await tx.execute(
        "insert into webhook (pool, webhook_id, client_id, url, kinds, state, seq, secret, failures, created_at, "
        "created_by, state_since, version) values (:pool, :webhook_id, :client_id, :url, cast(:kinds as jsonb), "
        "'active', :seq, :secret, 0, :at, :by, :at, 1)",
        **row,
    )


async def read_one(tx: Reader, pool: str, webhook_id: UUID, client_id: str) -> Row | None:
    """A client's webhook that is not ended."""
    return await tx.row(
        f"select {_SHOWN} from webhook where pool = :pool and webhook_id = :id and client_id = :client "
        "and state <> 'ended'",
        pool=pool,
        id=webhook_id,
        client=client_id,
    )


async def lock_one(tx: Writer, pool: str, webhook_id: UUID, client_id: str) -> Row | None:
    """The same, kept from changing until this transaction ends, with its secrets."""
    return await tx.row(
        f"select {_SHOWN}, secret, old_secret from webhook where pool = :pool and webhook_id = :id "
        "and client_id = :client and state <> 'ended' for update",
        pool=pool,
        id=webhook_id,
        client=client_id,
    )


async def read_all(tx: Reader, pool: str, client_id: str, after: UUID | None, limit: int) -> Sequence[Row]:
    """A client's webhooks in the order in which they were made; one more than `limit` where there are more."""
    return await tx.rows(
        f"select {_SHOWN} from webhook where pool = :pool and client_id = :client and state <> 'ended' "
        "and (cast(:after as uuid) is null or webhook_id > :after) order by webhook_id limit :limit",
        pool=pool,
        client=client_id,
        after=after,
        limit=limit + 1,
    )


async def head_of(tx: Reader, pool: str) -> int:
    """The number of the last event of a pool's feed; 0 where it has none."""
    seq: int | None = await tx.value("select seq from chain_head where pool = :pool and chain = 'event'", pool=pool)
    return seq or 0


async def move(tx: Writer, pool: str, webhook_id: UUID, state: WebhookState, at: datetime) -> None:
    """Bring a webhook into a state."""
    await tx.execute(
        "update webhook set state = :state, state_since = :at, version = version + 1 "
        "where pool = :pool and webhook_id = :id",
        state=state.value,
        at=at,
        pool=pool,
        id=webhook_id,
    )


async def wake(tx: Writer, pool: str, webhook_id: UUID, at: datetime) -> None:
    """Nothing keeps its waiting deliveries from being tried at once, and from their first attempt."""
    await tx.execute(
        "update webhook set rest_until = null, failures = 0 where pool = :pool and webhook_id = :id",
        pool=pool,
        id=webhook_id,
    )
    await tx.execute(
        "update webhook_delivery set attempts = 0, due_at = :at where pool = :pool and webhook_id = :id "
        "and state = 'waiting'",
        at=at,
        pool=pool,
        id=webhook_id,
    )


async def change_secret(
    tx: Writer, pool: str, webhook_id: UUID, secret: bytes, old_secret: bytes, old_until: datetime
) -> None:
    """A new secret; the one before signs as well until `old_until`."""
    await tx.execute(
        "update webhook set secret = :secret, old_secret = :old_secret, old_secret_until = :until, "
        "version = version + 1 where pool = :pool and webhook_id = :id",
        secret=secret,
        old_secret=old_secret,
        until=old_until,
        pool=pool,
        id=webhook_id,
    )


async def rewind(tx: Writer, pool: str, webhook_id: UUID, seq: int) -> None:
    """Put the cursor back: what comes after it is spread again."""
    await tx.execute(
        "update webhook set seq = :seq, version = version + 1 where pool = :pool and webhook_id = :id",
        seq=seq,
        pool=pool,
        id=webhook_id,
    )


async def due_webhooks(tx: Reader, now: datetime) -> Sequence[Row]:
    """Webhooks with something to do: events to spread, or deliveries to send."""
    return await tx.rows(
        "select pool, webhook_id from webhook where state in ('active', 'failing') "
        "and (rest_until is null or rest_until <= :now) and (exists (select 1 from webhook_delivery as delivery "
        f"where delivery.pool = webhook.pool and delivery.webhook_id = webhook.webhook_id and {_DUE}) "
        "or state = 'active' and seq < (select seq from chain_head where chain_head.pool = webhook.pool "
        "and chain = 'event') and (select count(*) from (select 1 from webhook_delivery as delivery where "
        "delivery.pool = webhook.pool and delivery.webhook_id = webhook.webhook_id "
        "and delivery.state in ('waiting', 'sending') limit :open) as standing) < :open)",
        now=now,
        open=OPEN,
    )


async def take_webhook(tx: Writer, pool: str, webhook_id: UUID) -> Row | None:
    """A webhook that is pushed to, for this worker alone until the transaction ends; None where another has it."""
    return await tx.row(
        f"select {_SHOWN}, secret, old_secret from webhook where pool = :pool and webhook_id = :id "
        "and state in ('active', 'failing') for update skip locked",
        pool=pool,
        id=webhook_id,
    )


async def lock_pushed(tx: Writer, pool: str, webhook_id: UUID) -> Row | None:
    """A webhook after an attempt, whatever has become of it."""
    return await tx.row(
        "select state, failures from webhook where pool = :pool and webhook_id = :id for update",
        pool=pool,
        id=webhook_id,
    )


async def spread(tx: Writer, webhook: Row, now: datetime) -> None:
    """Make a delivery of each event after the cursor that the webhook wants, and move the cursor.

    A delivery that is there already (the cursor was put back) is sent again, unless it waits or is being sent anyway.
    """
    await tx.execute(
        "with page as (select * from event where pool = :pool and seq > :seq order by seq "
        "limit greatest(0, least(:page, :open - (select count(*) from webhook_delivery where pool = :pool "
        "and webhook_id = :id and state in ('waiting', 'sending'))))), "
        "wanted as (insert into webhook_delivery (pool, webhook_id, seq, event_id, type, state, attempts, due_at, "
        "answers) select :pool, :id, seq, event_id, type, 'waiting', 0, :now, '[]' from page "
        "where jsonb_array_length(cast(:kinds as jsonb)) = 0 or jsonb_exists(cast(:kinds as jsonb), type) "
        "on conflict (pool, webhook_id, seq) do update set state = 'waiting', attempts = 0, due_at = :now, "
        "concluded_at = null where webhook_delivery.state in ('delivered', 'failed')) "
        "update webhook set seq = page_end.seq from (select max(seq) as seq from page) as page_end "
        "where webhook.pool = :pool and webhook_id = :id and page_end.seq is not null",
        pool=webhook["pool"],
        id=webhook["webhook_id"],
        seq=webhook["seq"],
        kinds=webhook["kinds"],
        page=_PAGE,
        open=OPEN,
        now=now,
    )


async def lease(tx: Writer, webhook: Row, now: datetime, until: datetime) -> Sequence[Row]:
    """Take deliveries that are due, with their events. An attempt that a dead worker began is not counted twice."""
    return await tx.rows(
        "with room as (select case when :failures > 0 then 1 else :lane end - count(*) as places "
        "from webhook_delivery where pool = :pool and webhook_id = :id and state = 'sending' and leased_until > :now), "
        "due as (select seq from webhook_delivery as delivery where delivery.pool = :pool "
        f"and delivery.webhook_id = :id and {_DUE} order by due_at, seq limit (select greatest(places, 0) from room)), "
        "taken as (update webhook_delivery as delivery set state = 'sending', leased_until = :until, "
        "attempts = attempts + case when delivery.state = 'waiting' then 1 else 0 end from due "
        "where delivery.pool = :pool and delivery.webhook_id = :id and delivery.seq = due.seq "
        "returning delivery.seq, delivery.attempts, delivery.leased_until) "
        "select event.pool, event.seq, event.event_id, event.type, event.subject, event.version, event.occurred_at, "
        "event.data, attempts, leased_until from taken join event on event.pool = :pool and event.seq = taken.seq "
        "order by event.seq",
        pool=webhook["pool"],
        id=webhook["webhook_id"],
        failures=webhook["failures"],
        lane=LANE,
        now=now,
        until=until,
    )


async def conclude(
    tx: Writer,
    pool: str,
    webhook_id: UUID,
    leased: Row,
    state: DeliveryState,
    due_at: datetime | None,
    answer: Mapping[str, Any],
) -> bool:
    """Write down what came of an attempt; False where its lease had run out and another worker has it now."""
    return bool(
        await tx.execute(
            "update webhook_delivery set state = :state, due_at = :due_at, leased_until = null, "
            "concluded_at = case when cast(:due_at as timestamptz) is null then cast(:at as timestamptz) end, "
            "answers = case when jsonb_array_length(answers) >= :kept then answers - 0 else answers end "
            "|| jsonb_build_array(cast(:answer as jsonb)) "
            "where pool = :pool and webhook_id = :id and seq = :seq and state = 'sending' "
            "and leased_until = :leased_until",
            pool=pool,
            id=webhook_id,
            seq=leased["seq"],
            leased_until=leased["leased_until"],
            state=state.value,
            due_at=due_at,
            at=answer["at"],
            answer=dict(answer),
            kept=_ANSWERS,
        )
    )


async def note(tx: Writer, pool: str, webhook_id: UUID, failures: int, rest_until: datetime | None) -> None:
    """What an attempt says about the receiver: failures since its last success, how long it wants to rest."""
    await tx.execute(
        "update webhook set failures = :failures, rest_until = greatest(rest_until, cast(:rest as timestamptz)) "
        "where pool = :pool and webhook_id = :id",
        failures=failures,
        rest=rest_until,
        pool=pool,
        id=webhook_id,
    )


async def deliveries(
    tx: Reader, pool: str, webhook_id: UUID, state: DeliveryState | None, before: int | None, limit: int
) -> Sequence[Row]:
    """Deliveries of a webhook, the newest event first; one more than `limit` where there are more."""
    return await tx.rows(
        "select seq, event_id, type, state, attempts, due_at, answers, concluded_at from webhook_delivery "
        "where pool = :pool and webhook_id = :id and (cast(:before as bigint) is null or seq < :before) "
        "and (cast(:state as text) is null or state = :state) order by seq desc limit :limit",
        pool=pool,
        id=webhook_id,
        before=before,
        state=state.value if state else None,
        limit=limit + 1,
    )


async def replay(tx: Writer, pool: str, webhook_id: UUID, seq: int, at: datetime) -> Row | None:
    """Let a delivery that is concluded wait again, due at once; the row as it then is, None where there is none."""
    await tx.execute(
        "update webhook_delivery set state = 'waiting', attempts = 0, due_at = :at, concluded_at = null "
        "where pool = :pool and webhook_id = :id and seq = :seq and state in ('delivered', 'failed')",
        at=at,
        pool=pool,
        id=webhook_id,
        seq=seq,
    )
    return await tx.row(
        "select seq, event_id, type, state, attempts, due_at, answers, concluded_at from webhook_delivery "
        "where pool = :pool and webhook_id = :id and seq = :seq",
        pool=pool,
        id=webhook_id,
        seq=seq,
    )


async def forget(tx: Writer, before: datetime, limit: int) -> int:
    """Remove concluded deliveries from before a day, then those of ended webhooks and these; how many rows went."""
    gone = await tx.execute(
        "delete from webhook_delivery where (pool, webhook_id, seq) in (select delivery.pool, delivery.webhook_id, "
        "delivery.seq from webhook_delivery as delivery where delivery.concluded_at < :before union all "
        "select delivery.pool, delivery.webhook_id, delivery.seq from webhook join webhook_delivery as delivery "
        "on delivery.pool = webhook.pool and delivery.webhook_id = webhook.webhook_id "
        "where webhook.state = 'ended' limit :limit)",
        before=before,
        limit=limit,
    )
    return gone + await tx.execute(
        "delete from webhook where state = 'ended' and not exists (select 1 from webhook_delivery as delivery "
        "where delivery.pool = webhook.pool and delivery.webhook_id = webhook.webhook_id)"
    )
