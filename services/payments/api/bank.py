"""The bank's write-off interface (销账): its own authentication, its own shape, therefore not in the API document."""

from typing import Annotated, Literal

from fastapi import APIRouter, Header, Request, Response

from .. import usecases
from .parts import Service

router = APIRouter(prefix="/v1/channels/bank", include_in_schema=False)

LIMIT_BYTES = 64 * 1024
"""A message is some hundred bytes; what is cut off after this does not bear its code."""


@router.post("")
async def take_any_bank_message(
    service: Service,
    request: Request,
    x_institution: Annotated[str, Header(max_length=60)] = "",
    x_mac: Annotated[str, Header(max_length=200)] = "",
) -> Response:
    """Take one message of a bank that knows one address for all: its TranCode says what it is."""
    return await _take(service, request, None, x_institution, x_mac)


@router.post("/{operation}")
async def take_bank_message(
    service: Service,
    request: Request,
    operation: Literal["query", "pay", "reverse", "result", "check"],
    x_institution: Annotated[str, Header(max_length=60)] = "",
    x_mac: Annotated[str, Header(max_length=200)] = "",
) -> Response:
    """Take one message: arrears, payment, same-day reversal, outcome of a serial, day-end check."""
    return await _take(service, request, operation.upper(), x_institution, x_mac)


async def _take(service: Service, request: Request, trans_code: str | None, institution: str, mac: str) -> Response:
    raw = bytearray()
    async for piece in request.stream():
        raw += piece
        if len(raw) > LIMIT_BYTES:
            break
    answer = await usecases.take_bank_message(service, trans_code, institution, mac, bytes(raw))
    signed = {"X-Mac": answer.mac} if answer.mac else {}
    return Response(answer.raw, answer.status, signed, answer.media_type)
