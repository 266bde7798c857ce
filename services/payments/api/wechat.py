"""WeChat Pay's notifications: its own authentication, its own answers; not part of the OpenAPI document."""

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse, Response

from .. import usecases
from ..clients.wechat import NOTIFICATIONS
from ..formats.wechat import NotGenuine, Unreadable
from .parts import Service

router = APIRouter()

_MOST_BYTES = 64 * 1024


@router.post(NOTIFICATIONS, include_in_schema=False)
async def take_wechat_notification(service: Service, request: Request) -> Response:
    """Store and act upon a notification; 204 means that it is stored for good. Anything else makes WeChat repeat it."""
    body = bytearray()
    async for piece in request.stream():
        body += piece
        if len(body) > _MOST_BYTES:
            return _failed(413, "body too large")
    try:
        await usecases.take_wechat_notification(service, request.headers, bytes(body))
    except NotGenuine as error:
        return _failed(401, f"not accepted: {error.why}")
    except Unreadable:
        return _failed(500, "kept, but not understood")
    return Response(status_code=204)


def _failed(status: int, message: str) -> Response:
    return JSONResponse({"code": "FAIL", "message": message}, status)
