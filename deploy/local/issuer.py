"""The token issuer of the local run: signs tokens for the four services and for whoever tries the API.

Development only. It knows its clients by generated secrets and hands out what they are allowed; `make token` signs with
the same key, whether or not this process runs. Everything secret lies in out/keys, made at the first use (mode 600).
"""

import json
import re
import secrets
import time
from pathlib import Path
from typing import Annotated, Any

from fastapi import FastAPI, Form
from fastapi.responses import JSONResponse
from joserfc import jwt
from joserfc.jwk import OKPKey

from deploy.local import places

ISSUER = f"http://{places.HOST}:{places.ISSUER_PORT}"
"""Its name in tokens, wherever it runs."""
AUDIENCE = "canbao"
_ALGORITHM = "Ed25519"  # RFC 9864; the older name EdDSA is deprecated
_SERVICE_MINUTES = 10

ALLOWED: dict[str, frozenset[str]] = {
    "eligibility": frozenset(),
    "registration": frozenset({"eligibility:read", "eligibility:write", "payments:read"}),
    "payments": frozenset({"registration:read"}),
    "refunds": frozenset({"payments:read", "payments:pay", "registration:read"}),
}
"""What each service may ask of the others: its questions and commands upstream, and the feeds that it follows."""

_SCOPE = re.compile(rf"(?:{'|'.join(places.SERVICES)}):(?:read|write|check|approve|pay)|persons:full")
_AREA = re.compile(r"\d{0,12}")


class NotGranted(ValueError):
    """A token was asked for that there cannot be; `code` is the error code of RFC 6749, 5.2."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


class Issuer:
    """Keys, clients and signatures, kept under `keys`."""

    def __init__(self, keys: Path = places.KEYS) -> None:
        pem = places.kept(keys / "issuer.pem", _new_key)
        self._key = OKPKey.import_key(pem)
        self._key_id = self._key.thumbprint()
        self._secrets: dict[str, str] = json.loads(places.kept(keys / "clients.json", _new_secrets))

    def jwks(self) -> dict[str, Any]:
        """The public key, as services fetch it."""
        public = self._key.as_dict(private=False)
        return {"keys": [{**public, "kid": self._key_id, "use": "sig", "alg": _ALGORITHM}]}

    def secret(self, client: str) -> str:
        """The secret of a service."""
        return self._secrets[client]

    def mint(self, client: str, *, scopes: frozenset[str], area: str = "", user: str = "", minutes: int = 60) -> str:
        """A signed token. `area` is a region prefix (empty: all), `user` the person who acts (empty: the client).

        Raises NotGranted for a scope or an area that does not exist.
        """
        if unknown := sorted(scope for scope in scopes if not _SCOPE.fullmatch(scope)):
            raise NotGranted("invalid_scope", f"no such scope: {' '.join(unknown)}")
        if not _AREA.fullmatch(area):
            raise NotGranted("invalid_request", f"an area is a region prefix, at most 12 digits: {area!r}")
        now = int(time.time())
        claims = {
            "iss": ISSUER,
            "aud": AUDIENCE,
            "sub": user or client,
            "client_id": client,
            "scope": " ".join(sorted(scopes)),
            "area": area,
            "iat": now,
            "exp": now + minutes * 60,
            "jti": secrets.token_hex(8),
        }
        return jwt.encode({"alg": _ALGORITHM, "kid": self._key_id}, claims, self._key, algorithms=[_ALGORITHM])

    def grant(self, client: str, secret: str, *, scope: str, area: str, user: str) -> dict[str, Any]:
        """The answer to a service that shows its secret: what it asked for, or all that it may have.

        Raises NotGranted for a wrong secret, and for a scope that the service may not have.
        """
        known = self._secrets.get(client, "")
        if not known or not secrets.compare_digest(known.encode(), secret.encode()):
            raise NotGranted("invalid_client", "unknown client or wrong secret")
        allowed = ALLOWED[client]
        asked = frozenset(scope.split()) or allowed
        if not asked <= allowed:
            raise NotGranted("invalid_scope", f"{client} may not have: {' '.join(sorted(asked - allowed))}")
        token = self.mint(client, scopes=asked, area=area, user=user, minutes=_SERVICE_MINUTES)
        return {
            "access_token": token,
            "token_type": "Bearer",
            "expires_in": _SERVICE_MINUTES * 60,
            "scope": " ".join(sorted(asked)),
        }


def create_app(keys: Path = places.KEYS) -> FastAPI:
    """The issuer as a web application: its public key, tokens for clients, health."""
    app = FastAPI(title="Canbao local token issuer", docs_url=None, redoc_url=None, openapi_url=None)
    issuer = Issuer(keys)

    @app.get("/.well-known/jwks.json")
    async def read_keys() -> dict[str, Any]:
        return issuer.jwks()

    @app.post("/token")
    async def create_token(
        grant_type: Annotated[str, Form()],
        client_id: Annotated[str, Form()],
        client_secret: Annotated[str, Form()],
        scope: Annotated[str, Form()] = "",
        area: Annotated[str, Form()] = "",
        user: Annotated[str, Form()] = "",
    ) -> JSONResponse:
        try:
            if grant_type != "client_credentials":
                raise NotGranted("unsupported_grant_type", "only client_credentials")
            answer = issuer.grant(client_id, client_secret, scope=scope, area=area, user=user)
        except NotGranted as error:
            status = 401 if error.code == "invalid_client" else 400
            return JSONResponse({"error": error.code, "error_description": str(error)}, status)
        return JSONResponse(answer, headers={"Cache-Control": "no-store"})

    @app.get("/healthz")
    async def read_health() -> dict[str, str]:
        return {"status": "ok"}

    return app


def _new_key() -> bytes:
    return OKPKey.generate_key("Ed25519").as_pem(private=True)


def _new_secrets() -> bytes:
    return json.dumps({client: secrets.token_urlsafe(32) for client in ALLOWED}, indent=1).encode()
