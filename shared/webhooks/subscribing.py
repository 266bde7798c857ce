"""What the routes of webhooks do. A webhook belongs to the application that made it; nobody else sees it."""

import asyncio
from collections.abc import Mapping
from typing import Any
from uuid import UUID

from ..clock import wall_now
from ..database import Row, Writer
from ..idempotency import Answer, Once
from ..ids import new_id
from ..pages import page
from ..tokens import Caller
from ..versions import require_version
from . import store
from .addresses import NotAllowed, aim
from .parts import Webhooks
from .rules import WEBHOOK_TRANSITIONS, DeliveryState, Trouble, WebhookAct, WebhookState
from .schemas import (
    CURSOR_AHEAD,
    DELIVERY_UNKNOWN,
    WEBHOOK_IN_STATE,
    WEBHOOK_LIMIT,
    WEBHOOK_UNKNOWN,
    WEBHOOK_URL_REFUSED,
    NewWebhook,
    Webhook,
)
from .signing import new_secret

LIMIT = 20
"""Webhooks of one application in one pool."""


async def create_webhook(webhooks: Webhooks, caller: Caller, once: Once, body: NewWebhook) -> Answer:
    """Subscribe. The secret stands in this answer alone; a repeated request gets the same answer without it.

    Raises Problem WEBHOOK_URL_REFUSED, WEBHOOK_LIMIT.
    """
    caller.require_pool(body.pool)
    await _check_url(webhooks, body.url)
    webhook_id, secret, now = new_id(), new_secret(), wall_now()

    async def work(tx: Writer) -> Answer:
        have = await store.read_all(tx, body.pool, caller.client_id, None, LIMIT)
        if len(have) >= LIMIT:
            raise WEBHOOK_LIMIT(pool=body.pool, limit=LIMIT)
        head = await store.head_of(tx, body.pool)
        # From here on it must succeed.
        await store.add(
            tx,
            {
                "pool": body.pool,
                "webhook_id": webhook_id,
                "client_id": caller.client_id,
                "url": body.url,
                "kinds": sorted(set(body.kinds)),
                "seq": head if body.after is None else min(body.after, head),
                "secret": webhooks.seal(webhook_id, secret),
                "at": now,
                "by": caller.subject,
            },
        )
        _audit(webhooks, tx, caller, body.pool, "webhook.created", webhook_id, {"url": body.url})
        return Answer(201, await _shown_again(webhooks, tx, caller, body.pool, webhook_id))

    answer = await once.run(webhooks.database, body.pool, work)
    return answer if answer.replayed else Answer(answer.status, {**answer.body, "secret": secret})


async def list_webhooks(webhooks: Webhooks, caller: Caller, pool: str, after: UUID | None, limit: int) -> Any:
    """The application's webhooks of a pool."""
    caller.require_pool(pool)
    async with webhooks.database.reading() as tx:
        rows = await store.read_all(tx, pool, caller.client_id, after, limit)
    return page([_shown(webhooks, row) for row in rows], limit, lambda row: row["webhook_id"])


async def read_webhook(webhooks: Webhooks, caller: Caller, pool: str, webhook_id: UUID) -> dict[str, Any]:
    """One webhook. Raises Problem WEBHOOK_UNKNOWN."""
    caller.require_pool(pool)
    async with webhooks.database.reading() as tx:
        row = await store.read_one(tx, pool, webhook_id, caller.client_id)
    if row is None:
        raise WEBHOOK_UNKNOWN(pool=pool, webhook_id=webhook_id)
    return _shown(webhooks, row)


async def issue_secret(webhooks: Webhooks, caller: Caller, pool: str, webhook_id: UUID, version: int) -> dict[str, Any]:
    """A new secret, shown here alone; the one before signs as well for the hours of the setting.

    Raises Problem WEBHOOK_UNKNOWN, VERSION_DIFFERS.
    """
    secret, now = new_secret(), wall_now()
    async with webhooks.database.writing() as tx:
        row = await _locked(tx, caller, pool, webhook_id)
        require_version(row["version"], version)
        await store.change_secret(
            tx, pool, webhook_id, webhooks.seal(webhook_id, secret), row["secret"], now + webhooks.overlap
        )
        _audit(webhooks, tx, caller, pool, "webhook.secret_changed", webhook_id, {})
        shown = await _shown_again(webhooks, tx, caller, pool, webhook_id)
    return {**shown, "secret": secret}


async def start_webhook(webhooks: Webhooks, caller: Caller, pool: str, webhook_id: UUID) -> dict[str, Any]:
    """Push again to a webhook that failed or was disabled; what was not delivered is due at once.

    Raises Problem WEBHOOK_UNKNOWN, WEBHOOK_IN_STATE, WEBHOOK_URL_REFUSED.
    """
    async with webhooks.database.writing() as tx:
        row = await _locked(tx, caller, pool, webhook_id)
        await _move(tx, row, WebhookAct.RESUME)
        await store.wake(tx, pool, webhook_id, wall_now())
        _audit(webhooks, tx, caller, pool, "webhook.resumed", webhook_id, {})
        return await _shown_again(webhooks, tx, caller, pool, webhook_id)


async def end_webhook(webhooks: Webhooks, caller: Caller, pool: str, webhook_id: UUID) -> dict[str, Any]:
    """End a webhook for good; its deliveries are removed soon after. Raises Problem WEBHOOK_UNKNOWN."""
    async with webhooks.database.writing() as tx:
        row = await _locked(tx, caller, pool, webhook_id)
        await _move(tx, row, WebhookAct.END)
        _audit(webhooks, tx, caller, pool, "webhook.ended", webhook_id, {})
        shown = _shown(webhooks, {**row, "state": WebhookState.ENDED, "state_since": wall_now(), "secret": None})
        return Webhook(**shown).model_dump(mode="json")


async def send_events_again(
    webhooks: Webhooks, caller: Caller, pool: str, webhook_id: UUID, after: int
) -> dict[str, Any]:
    """Put the cursor back: every event after it is pushed again, under its own id.

    Raises Problem WEBHOOK_UNKNOWN, CURSOR_AHEAD.
    """
    async with webhooks.database.writing() as tx:
        row = await _locked(tx, caller, pool, webhook_id)
        if after > row["seq"]:
            raise CURSOR_AHEAD(after=after, seq=row["seq"])
        await store.rewind(tx, pool, webhook_id, after)
        _audit(webhooks, tx, caller, pool, "webhook.replayed", webhook_id, {"after": after})
        return await _shown_again(webhooks, tx, caller, pool, webhook_id)


async def list_deliveries(
    webhooks: Webhooks,
    caller: Caller,
    pool: str,
    webhook_id: UUID,
    state: DeliveryState | None,
    before: int | None,
    limit: int,
) -> Any:
    """What was pushed and what came of it, the newest event first. Raises Problem WEBHOOK_UNKNOWN."""
    await read_webhook(webhooks, caller, pool, webhook_id)
    async with webhooks.database.reading() as tx:
        rows = await store.deliveries(tx, pool, webhook_id, state, before, limit)
    return page(rows, limit, lambda row: row["seq"])


async def send_delivery_again(
    webhooks: Webhooks, caller: Caller, pool: str, webhook_id: UUID, seq: int
) -> dict[str, Any]:
    """Let one delivery be sent again; one that waits or is being sent stays as it is.

    Raises Problem WEBHOOK_UNKNOWN, DELIVERY_UNKNOWN.
    """
    async with webhooks.database.writing() as tx:
        await _locked(tx, caller, pool, webhook_id)
        delivery = await store.replay(tx, pool, webhook_id, seq, wall_now())
        if delivery is None:
            raise DELIVERY_UNKNOWN(seq=seq)
        _audit(webhooks, tx, caller, pool, "webhook.delivery_replayed", webhook_id, {"seq": seq})
        return dict(delivery)


async def _check_url(webhooks: Webhooks, url: str) -> None:
    """The address as it is now; it is judged again at every call. A name that is not known yet may come to be."""
    try:
        async with asyncio.timeout(webhooks.timeout_seconds):
            await aim(url, webhooks.resolve, private=webhooks.private)
    except NotAllowed as error:
        if error.trouble is Trouble.ADDRESS_FORBIDDEN:
            raise WEBHOOK_URL_REFUSED(reason=error) from error
    except TimeoutError:
        return


async def _locked(tx: Writer, caller: Caller, pool: str, webhook_id: UUID) -> Row:
    caller.require_pool(pool)
    row = await store.lock_one(tx, pool, webhook_id, caller.client_id)
    if row is None:
        raise WEBHOOK_UNKNOWN(pool=pool, webhook_id=webhook_id)
    return row


async def _move(tx: Writer, row: Row, act: WebhookAct) -> None:
    state = WebhookState(row["state"])
    if (state, act) not in WEBHOOK_TRANSITIONS:
        raise WEBHOOK_IN_STATE(state=state.value)
    await store.move(tx, row["pool"], row["webhook_id"], WEBHOOK_TRANSITIONS[state, act], wall_now())


async def _shown_again(webhooks: Webhooks, tx: Writer, caller: Caller, pool: str, webhook_id: UUID) -> dict[str, Any]:
    row = await store.read_one(tx, pool, webhook_id, caller.client_id)
    assert row is not None
    return Webhook(**_shown(webhooks, row)).model_dump(mode="json")


def _shown(webhooks: Webhooks, row: Mapping[str, Any]) -> dict[str, Any]:
    return {**row, "public_key": webhooks.key.public if webhooks.key else None}


def _audit(
    webhooks: Webhooks, tx: Writer, caller: Caller, pool: str, action: str, webhook_id: UUID, detail: Mapping[str, Any]
) -> None:
    tx.audit(
        pool,
        action,
        caller.client_id,
        caller.subject,
        webhooks.clock.now(),
        [],
        {"webhook_id": str(webhook_id), **detail},
    )
