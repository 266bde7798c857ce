"""Routes of webhooks, the same in every service, and the jobs and alarms that belong to them."""

from collections.abc import Sequence
from datetime import timedelta
from functools import partial
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends, Path, Query, Request, Response

from .. import idempotency, tokens, versions
from ..idempotency import OnceKey, respond
from ..invariants import Invariant
from ..jobs import Job
from ..pages import Limit, Pool
from ..problem import declare
from ..versions import IfMatch
from . import schemas, subscribing
from .parts import Webhooks
from .pushing import Pusher, forget_deliveries
from .rules import DeliveryState

_ID = "0192f0c4-7b7a-7c3e-8a55-3f1f7f1b2a40"
_LATE = timedelta(hours=1)

WebhookId = Annotated[UUID, Path(description="The webhook", examples=[_ID])]

ALARMS = (
    Invariant(
        "webhook_answers",
        "A webhook takes a delivery within ten attempts; one that does not is resumed or ended by its application",
        "select pool, webhook_id as subject from webhook where state = 'failing'",
    ),
    Invariant(
        "webhook_delivery_is_tried",
        "A delivery is tried within an hour of wall time after it was due",
        "select delivery.pool, delivery.webhook_id as subject from webhook_delivery as delivery join webhook "
        "on webhook.pool = delivery.pool and webhook.webhook_id = delivery.webhook_id "
        "where webhook.state in ('active', 'failing') and delivery.state in ('waiting', 'sending') and "
        f"greatest(delivery.due_at, delivery.leased_until, webhook.rest_until) < now() - interval '{_LATE.seconds} s'",
    ),
)


def jobs(webhooks: Webhooks, pusher: Pusher, every_seconds: float) -> Sequence[Job]:
    """What webhooks do without a request."""
    return [
        Job("push_webhooks", every_seconds, pusher.work),
        Job("forget_webhook_deliveries", 600, partial(forget_deliveries, webhooks)),
    ]


def routes(webhooks: Webhooks) -> APIRouter:
    """`/v1/webhooks`: whoever may read the feed may have it pushed."""
    router = APIRouter(tags=["webhooks"])
    _subscription_routes(router, webhooks)
    _command_routes(router, webhooks)
    _delivery_routes(router, webhooks)
    return router


def _subscription_routes(router: APIRouter, webhooks: Webhooks) -> None:
    Reading = Annotated[tokens.Caller, Depends(tokens.needs(f"{webhooks.service}:read"))]  # noqa: N806 -- a type

    @router.post(
        "/v1/webhooks",
        response_model=schemas.Webhook,
        status_code=201,
        responses=declare(*tokens.DECLARED, *idempotency.DECLARED, schemas.WEBHOOK_URL_REFUSED, schemas.WEBHOOK_LIMIT),
    )
    async def create_webhook(caller: Reading, once: OnceKey, request: Request, body: schemas.NewWebhook) -> Response:
        """Have a pool's events pushed to an address (Standard Webhooks 1.0.0). The answer alone shows the secret."""
        return respond(request, await subscribing.create_webhook(webhooks, caller, once, body))

    @router.get("/v1/webhooks", response_model=schemas.WebhookPage, responses=declare(*tokens.DECLARED))
    async def list_webhooks(
        caller: Reading,
        pool: Pool,
        limit: Limit = 100,
        after: Annotated[UUID | None, Query(description="`next` of the page before", examples=[_ID])] = None,
    ) -> Any:
        """The webhooks of the calling application."""
        return await subscribing.list_webhooks(webhooks, caller, pool, after, limit)

    @router.get(
        "/v1/webhooks/{webhook_id}",
        response_model=schemas.Webhook,
        responses=declare(*tokens.DECLARED, schemas.WEBHOOK_UNKNOWN),
    )
    async def read_webhook(caller: Reading, webhook_id: WebhookId, pool: Pool, response: Response) -> Any:
        """One webhook, and how far it has come."""
        return _tagged(response, await subscribing.read_webhook(webhooks, caller, pool, webhook_id))


def _command_routes(router: APIRouter, webhooks: Webhooks) -> None:
    Reading = Annotated[tokens.Caller, Depends(tokens.needs(f"{webhooks.service}:read"))]  # noqa: N806 -- a type

    @router.post(
        "/v1/webhooks/{webhook_id}/secret",
        response_model=schemas.Webhook,
        responses=declare(*tokens.DECLARED, *versions.DECLARED, schemas.WEBHOOK_UNKNOWN),
    )
    async def issue_webhook_secret(
        caller: Reading, webhook_id: WebhookId, pool: Pool, version: IfMatch, response: Response
    ) -> Any:
        """A new secret, shown in this answer alone. The one before signs as well for a while (`old_secret_until`)."""
        return _tagged(response, await subscribing.issue_secret(webhooks, caller, pool, webhook_id, version))

    @router.post(
        "/v1/webhooks/{webhook_id}/start",
        response_model=schemas.Webhook,
        responses=declare(*tokens.DECLARED, schemas.WEBHOOK_UNKNOWN, schemas.WEBHOOK_IN_STATE),
    )
    async def start_webhook(caller: Reading, webhook_id: WebhookId, pool: Pool, response: Response) -> Any:
        """Push again to a webhook that is failing or disabled, from where it stopped."""
        return _tagged(response, await subscribing.start_webhook(webhooks, caller, pool, webhook_id))

    @router.post(
        "/v1/webhooks/{webhook_id}/end",
        response_model=schemas.Webhook,
        responses=declare(*tokens.DECLARED, schemas.WEBHOOK_UNKNOWN),
    )
    async def end_webhook(caller: Reading, webhook_id: WebhookId, pool: Pool) -> Any:
        """End a webhook for good: it is called no more, and is not found any more."""
        return await subscribing.end_webhook(webhooks, caller, pool, webhook_id)

    @router.post(
        "/v1/webhooks/{webhook_id}/replay",
        response_model=schemas.Webhook,
        responses=declare(*tokens.DECLARED, schemas.WEBHOOK_UNKNOWN, schemas.CURSOR_AHEAD),
    )
    async def send_events_again(
        caller: Reading, webhook_id: WebhookId, pool: Pool, body: schemas.Replay, response: Response
    ) -> Any:
        """Push every event after a cursor of the feed again, under the same ids."""
        return _tagged(response, await subscribing.send_events_again(webhooks, caller, pool, webhook_id, body.after))


def _delivery_routes(router: APIRouter, webhooks: Webhooks) -> None:
    Reading = Annotated[tokens.Caller, Depends(tokens.needs(f"{webhooks.service}:read"))]  # noqa: N806 -- a type

    @router.get(
        "/v1/webhooks/{webhook_id}/deliveries",
        response_model=schemas.DeliveryPage,
        responses=declare(*tokens.DECLARED, schemas.WEBHOOK_UNKNOWN),
    )
    async def list_webhook_deliveries(
        caller: Reading,
        webhook_id: WebhookId,
        pool: Pool,
        state: Annotated[DeliveryState | None, Query(description="Only in this state", examples=["failed"])] = None,
        limit: Limit = 100,
        after: Annotated[int | None, Query(ge=0, description="`next` of the page before", examples=[500])] = None,
    ) -> Any:
        """What was pushed, when, and what the receiver answered; the newest event first."""
        return await subscribing.list_deliveries(webhooks, caller, pool, webhook_id, state, after, limit)

    @router.post(
        "/v1/webhooks/{webhook_id}/deliveries/{seq}/replay",
        response_model=schemas.Delivery,
        responses=declare(*tokens.DECLARED, schemas.WEBHOOK_UNKNOWN, schemas.DELIVERY_UNKNOWN),
    )
    async def send_delivery_again(
        caller: Reading,
        webhook_id: WebhookId,
        pool: Pool,
        seq: Annotated[int, Path(ge=1, lt=2**63, description="The event's number in the feed", examples=[500])],
    ) -> Any:
        """Push one event again, under the same id."""
        return await subscribing.send_delivery_again(webhooks, caller, pool, webhook_id, seq)


def _tagged(response: Response, webhook: dict[str, Any]) -> dict[str, Any]:
    response.headers["ETag"] = f'"{webhook["version"]}"'
    return webhook
