"""UnionPay's notifications: its own authentication, its own answers; not part of the OpenAPI document."""

from fastapi import APIRouter, Request
from fastapi.responses import PlainTextResponse, Response

from .. import usecases
from ..clients.unionpay import NOTIFICATIONS
from ..formats.genuine import NotGenuine, Unreadable
from .parts import Service, receive_small

router = APIRouter()


@router.post(NOTIFICATIONS, include_in_schema=False)
async def take_unionpay_notification(service: Service, request: Request) -> Response:
    """Store and act upon a notification; 200 means that it is stored for good. Anything else has UnionPay repeat it."""
    body = await receive_small(request)
    if body is None:
        return PlainTextResponse("body too large", 413)
    try:
        await usecases.take_notification(service, usecases.UNIONPAY, request.headers, body)
    except NotGenuine as error:
        return PlainTextResponse(f"not accepted: {error.why}", 401)
    except Unreadable:
        return PlainTextResponse("kept, but not understood", 500)
    return PlainTextResponse("ok")
