"""WeChat Pay's notifications: its own authentication, its own answers; not part of the OpenAPI document."""

from collections.abc import Sequence
from ipaddress import IPv4Network, IPv6Network, ip_address

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse, Response

from shared.codes import Channel

from .. import usecases
from ..clients.wechat import NOTIFICATIONS
from ..formats.genuine import NotGenuine, Unreadable
from .parts import Service, receive_small

router = APIRouter()

_Network = IPv4Network | IPv6Network


@router.post(NOTIFICATIONS, include_in_schema=False)
async def take_wechat_notification(service: Service, request: Request) -> Response:
    """Store and act upon a notification; 204 means that it is stored for good. Anything else makes WeChat repeat it."""
    settings = service.settings.wechat
    if (
        settings
        and settings.notify_sources
        and not _comes_from(request, settings.notify_sources, settings.trusted_proxies)
    ):
        return _failed(403, "not an address of WeChat Pay")
    body = await receive_small(request)
    if body is None:
        return _failed(413, "body too large")
    try:
        await usecases.take_notification(service, Channel.WECHAT, request.headers, body)
    except NotGenuine as error:
        return _failed(401, f"not accepted: {error.why}")
    except Unreadable:
        return _failed(500, "kept, but not understood")
    return Response(status_code=204)


def _comes_from(request: Request, sources: Sequence[_Network], proxies: Sequence[_Network]) -> bool:
    """Whether a request comes from one of the sources.

    That is the caller's address; behind gateways of ours, the last one that they have written down which is not theirs.
    What stands before it in X-Forwarded-For anybody may have written.
    """
    forwarded = ",".join(request.headers.getlist("x-forwarded-for")).split(",")
    hops = [request.client.host if request.client else "", *reversed(forwarded)]
    try:
        addresses = (ip_address(hop.strip()) for hop in hops)
        source = next(address for address in addresses if not any(address in proxy for proxy in proxies))
    except (ValueError, StopIteration):
        return False
    return any(source in network for network in sources)


def _failed(status: int, message: str) -> Response:
    return JSONResponse({"code": "FAIL", "message": message}, status)
