"""The follower that pushes: events of the pool's own feed become deliveries, and deliveries are sent.

Each webhook has a lane of its own, a task that takes a few deliveries, sends them and writes down what came of it. A
receiver that hangs holds up its lane and nobody else's. Taking is one transaction (spread, lease), writing down is
another, and the call is between them; whoever dies there leaves a lease that runs out, and the delivery goes out again
under the same id.
"""

import asyncio
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID

import httpx
import orjson
import structlog

from ..clock import wall_now
from ..database import Row, assert_no_transaction
from ..metrics import WEBHOOK_ATTEMPTS
from . import store
from .addresses import NotAllowed, Target, aim
from .parts import Webhooks
from .rules import (
    DELIVERY_TRANSITIONS,
    WEBHOOK_TRANSITIONS,
    Attempt,
    DeliveryState,
    Trouble,
    WebhookState,
    answered,
    judge,
)
from .signing import headers

BODY_LIMIT_BYTES = 20_000
"""A larger event is pushed without its content; the receiver reads that from the feed."""
_LOOK_AGAIN_SECONDS = 1.0
_LEASE_MARGIN = timedelta(seconds=60)
_FORGET_AT_ONCE = 5_000

_log = structlog.get_logger()


class Pusher:
    """Pushes the events of one service to its webhooks."""

    def __init__(self, webhooks: Webhooks) -> None:
        self._webhooks = webhooks
        self._lanes: dict[tuple[str, UUID], asyncio.Task[None]] = {}
        # No environment: a proxy would resolve the name for itself, and call what we have not judged.
        self._client = httpx.AsyncClient(timeout=None, follow_redirects=False, trust_env=False)  # noqa: S113 -- see _send

    async def work(self) -> bool:
        """Start the lane of every webhook that has something to do; whether any is under way.

        Waits for the first lane to end, or a moment: one that hangs must not keep another from starting.
        """
        async with self._webhooks.database.reading() as tx:
            due = await store.due_webhooks(tx, wall_now())
        for row in due:
            place = (row["pool"], row["webhook_id"])
            if place not in self._lanes:
                self._lanes[place] = asyncio.create_task(self._run_lane(*place), name=f"webhook {place[1]}")
        if not self._lanes:
            return False
        await asyncio.wait(self._lanes.values(), timeout=_LOOK_AGAIN_SECONDS, return_when=asyncio.FIRST_COMPLETED)
        ended = {place: task for place, task in self._lanes.items() if task.done()}
        for place in ended:
            del self._lanes[place]
        _raise_first([task.exception() for task in ended.values()])
        return True

    async def close(self) -> None:
        """Let the lanes write down what they have sent, then end."""
        if self._lanes:
            _, late = await asyncio.wait(self._lanes.values(), timeout=_LOOK_AGAIN_SECONDS)
            for task in late:
                task.cancel()  # its lease runs out, and another worker sends again
            await asyncio.gather(*self._lanes.values(), return_exceptions=True)
            self._lanes.clear()
        await self._client.aclose()

    async def _run_lane(self, pool: str, webhook_id: UUID) -> None:
        now = wall_now()
        until = now + timedelta(seconds=self._webhooks.timeout_seconds) + _LEASE_MARGIN
        async with self._webhooks.database.writing() as tx:
            webhook = await store.take_webhook(tx, pool, webhook_id)
            if webhook is None or (webhook["rest_until"] and webhook["rest_until"] > now):
                return
            if webhook["state"] == WebhookState.ACTIVE:
                await store.spread(tx, webhook, now)
            leased = await store.lease(tx, webhook, now, until)
        endpoint_secrets = self._secrets(webhook)
        sending = [self._deliver(webhook, endpoint_secrets, delivery) for delivery in leased]
        _raise_first(await asyncio.gather(*sending, return_exceptions=True))

    async def _deliver(self, webhook: Row, endpoint_secrets: Sequence[str], leased: Row) -> None:
        attempt = await self._send(webhook, endpoint_secrets, leased)
        WEBHOOK_ATTEMPTS.labels(attempt.trouble.value if attempt.trouble else "delivered").inc()
        pool, webhook_id = webhook["pool"], webhook["webhook_id"]
        async with self._webhooks.database.writing() as tx:
            standing = await store.lock_pushed(tx, pool, webhook_id)
            if standing is None:
                return
            state = WebhookState(standing["state"])
            verdict = judge(attempt, leased["attempts"], state)
            answer = {"at": attempt.at, "status": attempt.status, "trouble": attempt.trouble}
            after = DELIVERY_TRANSITIONS[DeliveryState.SENDING, verdict.act]
            if not await store.conclude(tx, pool, webhook_id, leased, after, verdict.due_at, answer):
                return
            failures = standing["failures"] + 1 if attempt.trouble else 0
            await store.note(tx, pool, webhook_id, failures, verdict.rest_until)
            if verdict.webhook_act and (state, verdict.webhook_act) in WEBHOOK_TRANSITIONS:
                await store.move(tx, pool, webhook_id, WEBHOOK_TRANSITIONS[state, verdict.webhook_act], attempt.at)
                _log.warning("webhook_moved", webhook_id=str(webhook_id), act=verdict.webhook_act.value)

    async def _send(self, webhook: Row, endpoint_secrets: Sequence[str], leased: Row) -> Attempt:
        """One attempt. What the receiver writes into its answer is not read."""
        assert_no_transaction()
        try:
            async with asyncio.timeout(self._webhooks.timeout_seconds):
                target = await aim(webhook["url"], self._webhooks.resolve, private=self._webhooks.private)
                request = self._request(target, leased, endpoint_secrets)
                answer = await self._client.send(request, stream=True)
                await answer.aclose()
        except NotAllowed as error:
            return Attempt(wall_now(), trouble=error.trouble)
        except TimeoutError:
            return Attempt(wall_now(), trouble=Trouble.TIMED_OUT)
        except (httpx.HTTPError, httpx.InvalidURL, OSError):
            return Attempt(wall_now(), trouble=Trouble.UNREACHABLE)
        return answered(wall_now(), answer.status_code, answer.headers.get("retry-after", ""))

    def _request(self, target: Target, leased: Row, endpoint_secrets: Sequence[str]) -> httpx.Request:
        body = payload(leased)
        timestamp = int(wall_now().timestamp())
        signed = headers(str(leased["event_id"]), timestamp, body, endpoint_secrets, self._webhooks.key)
        return self._client.build_request(
            "POST",
            target.url,
            content=body,
            headers={
                "Host": target.host,
                "Content-Type": "application/json",
                "User-Agent": f"canbao-{self._webhooks.service}",
                **signed,
            },
            extensions={"sni_hostname": target.name},
        )

    def _secrets(self, webhook: Row) -> Sequence[str]:
        sealed = [webhook["secret"]]
        if webhook["old_secret"] is not None and webhook["old_secret_until"] > wall_now():
            sealed.append(webhook["old_secret"])
        return [self._webhooks.open(webhook["webhook_id"], one) for one in sealed]


def payload(event: Row) -> bytes:
    """The body: `type`, `timestamp`, and the event as `GET /v1/events` shows it to the same application.

    One that would be 20 kB or more goes without its content: `data.data` is null, and the feed has it.
    """
    data: dict[str, Any] = {
        name: event[name] for name in ("pool", "seq", "event_id", "type", "subject", "version", "occurred_at", "data")
    }
    whole = _body(event, data)
    return whole if len(whole) < BODY_LIMIT_BYTES else _body(event, {**data, "data": None})


def _body(event: Row, data: Mapping[str, Any]) -> bytes:
    told = {"type": event["type"], "timestamp": event["occurred_at"], "data": data}
    return orjson.dumps(told, default=str, option=orjson.OPT_UTC_Z)


def _raise_first(outcomes: Sequence[BaseException | None]) -> None:
    """A failure of ours is the job's failure; it has held up nobody else."""
    for outcome in outcomes:
        if outcome is not None:
            raise outcome


async def forget_deliveries(webhooks: Webhooks) -> bool:
    """Remove what was concluded before the days of the setting, in chunks; whether there was any."""
    async with webhooks.database.writing() as tx:
        return await store.forget(tx, wall_now() - webhooks.kept, _FORGET_AT_ONCE) > 0
