"""Who calls: bearer tokens (OAuth 2.0, JWT against a JWKS), their scopes, the area and the person who acts.

`client_id` is the application, `sub` the person; four eyes compares `sub`. `area` is a region prefix, empty for all:
an agent of a village sees that village. A verified token may be kept until it expires.
"""

import asyncio
import hashlib
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Annotated, Any

import httpx
from fastapi import Request, Security
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from .problem import ProblemType
from .regions import area_covers, area_covers_pool, in_pool
from .routing import of_request

TOKEN_MISSING = ProblemType(
    "token_missing",
    401,
    ("缺少令牌", "A token is missing"),
    ("请在 Authorization 头中给出 Bearer 令牌", "Send a bearer token in the Authorization header"),
)
TOKEN_INVALID = ProblemType(
    "token_invalid",
    401,
    ("令牌无效", "The token is not valid"),
    ("令牌无效或已过期，请重新获取（{reason}）", "The token is invalid or expired, get a new one ({reason})"),
)
SCOPE_MISSING = ProblemType(
    "scope_missing",
    403,
    ("权限不足", "A scope is missing"),
    ("此操作需要权限 {scope}", "This needs the scope {scope}"),
)
AREA_FORBIDDEN = ProblemType(
    "area_forbidden",
    403,
    ("超出管辖范围", "Outside your area"),
    ("令牌的辖区 {area} 不含 {region}", "The token's area {area} does not take in {region}"),
)
ISSUER_UNAVAILABLE = ProblemType(
    "issuer_unavailable",
    503,
    ("令牌签发方暂不可用", "The token issuer is not available"),
    ("暂时无法核验令牌，请稍后重试", "Tokens cannot be verified just now; try again later"),
)
DECLARED = (TOKEN_MISSING, TOKEN_INVALID, SCOPE_MISSING, AREA_FORBIDDEN, ISSUER_UNAVAILABLE)

AUDIENCE = "canbao"
ALGORITHMS = ["EdDSA", "Ed25519", "ES256", "RS256"]
_KEPT = 10_000
_KEYS_NOT_OFTENER_SECONDS = 5.0


@dataclass(frozen=True)
class Caller:
    """The verified claims of a token."""

    client_id: str
    subject: str
    scopes: frozenset[str]
    area: str
    expires: float

    def has(self, scope: str) -> bool:
        """Whether the token carries a scope."""
        return scope in self.scopes

    def require_region(self, region: str) -> None:
        """Raises Problem AREA_FORBIDDEN where the token's area does not take in `region`."""
        if not area_covers(self.area, region):
            raise AREA_FORBIDDEN(area=self.area, region=region)

    def require_pool(self, pool: str) -> None:
        """Raises Problem AREA_FORBIDDEN where the token's area is smaller than the whole pooling area."""
        if not area_covers_pool(self.area, pool):
            raise AREA_FORBIDDEN(area=self.area, region=pool)

    def require_touch(self, pool: str) -> None:
        """Raises Problem AREA_FORBIDDEN where the token's area and the pooling area have nothing in common."""
        if not area_covers_pool(self.area, pool) and not in_pool(self.area, pool):
            raise AREA_FORBIDDEN(area=self.area, region=pool)


class Verifier:
    """Verifies tokens against the issuer's published keys."""

    def __init__(self, issuer: str, fetch_keys: Callable[[], Awaitable[dict[str, Any]]]) -> None:
        self._issuer = issuer
        self._fetch_keys = fetch_keys
        self._keys: KeySet | None = None
        self._fetched = float("-inf")
        self._lock = asyncio.Lock()
        self._known: dict[bytes, Caller] = {}
        self._claims = jwt.JWTClaimsRegistry(
            iss={"essential": True, "value": issuer},
            aud={"essential": True, "value": AUDIENCE},
            sub={"essential": True},
            exp={"essential": True},
        )

    async def caller(self, token: str) -> Caller:
        """The caller behind a token. Raises Problem TOKEN_INVALID, ISSUER_UNAVAILABLE."""
        mark = hashlib.sha256(token.encode()).digest()
        known = self._known.get(mark)
        if known and known.expires > time.time():
            return known
        caller = await self._verified(token)
        if len(self._known) >= _KEPT:
            self._known.clear()
        self._known[mark] = caller
        return caller

    async def _verified(self, token: str) -> Caller:
        for attempt in (1, 2):
            try:
                decoded = jwt.decode(token, await self._current_keys(refresh=attempt == 2), algorithms=ALGORITHMS)
                self._claims.validate(decoded.claims)
                break
            except (JoseError, ValueError) as error:
                # A key that is not known may be new; the second attempt fetches the set again.
                if attempt == 2:
                    raise TOKEN_INVALID(reason=type(error).__name__) from error
        claims = decoded.claims
        return Caller(
            client_id=str(claims.get("client_id", "")),
            subject=str(claims["sub"]),
            scopes=frozenset(str(claims.get("scope", "")).split()),
            area=str(claims.get("area", "")),
            expires=float(claims["exp"]),
        )

    async def _current_keys(self, *, refresh: bool) -> KeySet:
        async with self._lock:
            stale = refresh and time.monotonic() - self._fetched > _KEYS_NOT_OFTENER_SECONDS
            if self._keys is None or stale:
                try:
                    keys = await self._fetch_keys()
                    self._keys = KeySet.import_key_set(keys)  # type: ignore[arg-type]
                    self._known.clear()  # a key that is gone from the set vouches for nobody any more
                except httpx.HTTPError as error:
                    # Tokens of the keys we have stay good while the issuer is away.
                    if self._keys is None:
                        raise ISSUER_UNAVAILABLE() from error
                self._fetched = time.monotonic()
            return self._keys


_bearer = HTTPBearer(auto_error=False, description="OAuth 2.0 bearer token (JWT): scopes, area, person who acts")


def needs(scope: str) -> Callable[..., Awaitable[Caller]]:
    """A route's dependency: the caller, who must have `scope`."""

    @of_request
    async def caller_with_scope(
        request: Request, _shown: Annotated[HTTPAuthorizationCredentials | None, Security(_bearer)] = None
    ) -> Caller:
        kind, _, token = request.headers.get("authorization", "").partition(" ")
        if kind.lower() != "bearer" or not token:
            raise TOKEN_MISSING()
        caller: Caller = await request.app.state.verifier.caller(token)
        request.state.client_id = caller.client_id
        if not caller.has(scope):
            raise SCOPE_MISSING(scope=scope)
        return caller

    return caller_with_scope


class ClientCredentials(httpx.Auth):
    """Gives outgoing calls the service's own token (client credentials), kept until shortly before it ends."""

    requires_response_body = True

    def __init__(
        self,
        token_url: str,
        client_id: str,
        client_secret: str,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        self._token_url = token_url
        self._form = {
            "grant_type": "client_credentials",
            "client_id": client_id,
            "client_secret": client_secret,
        }
        self._client = httpx.AsyncClient(transport=transport, timeout=10)
        self._token = ""
        self._renew_at = 0.0
        self._lock = asyncio.Lock()

    async def async_auth_flow(self, request: httpx.Request) -> Any:
        """Put the token on the request."""
        request.headers["Authorization"] = f"Bearer {await self._current()}"
        yield request

    async def _current(self) -> str:
        async with self._lock:
            if time.time() >= self._renew_at:
                answer = await self._client.post(self._token_url, data=self._form)
                answer.raise_for_status()
                granted = answer.json()
                self._token = granted["access_token"]
                self._renew_at = time.time() + float(granted["expires_in"]) - 60
            return self._token

    async def close(self) -> None:
        """Close the connection to the issuer."""
        await self._client.aclose()
