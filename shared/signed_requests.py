"""What routes for signed requests (`shared/signatures.py`) have in common: the address that was signed, the headers in
the document, the refusal."""

from typing import Annotated

from fastapi import Header, Request

from .problem import ProblemType
from .routing import for_document

_SIGNATURE_INPUT = (
    'sig1=("@method" "@target-uri" "content-type" "content-digest")'
    ';created=1638669600;keyid="tax-bureau-local";nonce="n-0001"'
)

SIGNATURE_INVALID = ProblemType(
    "signature_invalid",
    401,
    ("签名无效", "The signature is not valid"),
    (
        "报文签名核验未通过（{reason}），未作任何处理；请重新签名后再发",
        "The message's signature does not hold ({reason}); nothing was done. Sign it anew and send it again",
    ),
    challenge="Signature",
)


def address_called(request: Request, public_url: str) -> str:
    """The @target-uri: what the caller wrote, or behind a proxy the public address with the path as it came."""
    base = public_url.rstrip("/") or f"{request.scope['scheme']}://{request.headers.get('host', '')}"
    path, query = request.scope["raw_path"].decode("latin-1"), request.scope["query_string"].decode("latin-1")
    return f"{base}{path}?{query}" if query else f"{base}{path}"


@for_document
async def show_headers(
    _content_digest: Annotated[
        str,
        Header(
            alias="Content-Digest",
            description="RFC 9530 digest of the body's bytes",
            examples=["sha-256=:X48E9qOokqqrvdts8nOJRJN3OWDUoyWxBf7kbu9DBPE=:"],
        ),
    ],
    _signature_input: Annotated[
        str,
        Header(
            alias="Signature-Input",
            description="RFC 9421: covers at least these four, with created (within 300 s), keyid and nonce",
            examples=[_SIGNATURE_INPUT],
        ),
    ],
    _signature: Annotated[str, Header(alias="Signature", description="The signature", examples=["sig1=:IQjID5ul…:"])],
) -> None:
    """A dependency that puts the headers into the document; whoever handles the request verifies them."""
