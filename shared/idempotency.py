"""Retries of the client: the same key and body get the first answer (IETF draft idempotency-key-header).

The key's row, the effect and the answer are written in one transaction, so a process that dies leaves either all or
nothing and no key ever hangs. A second request that comes while the first is still open waits a moment for the row's
lock and is then told `idempotency_key_in_use`. A refusal is an answer, too: it is remembered after its transaction
was rolled back.
"""

import contextlib
import hashlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Annotated, Any

import orjson
from fastapi import Depends, Header, Request, Response
from sqlalchemy.exc import DBAPIError

from .clock import wall_now
from .database import Database, Writer
from .evidence import receive_upload
from .problem import MEDIA_TYPE, Problem, ProblemType, language_of

KEY_MISSING = ProblemType(
    "idempotency_key_missing",
    400,
    ("缺少 Idempotency-Key", "Idempotency-Key is missing"),
    (
        "请在请求头 Idempotency-Key 中给出唯一键，重试时沿用",
        "Send a unique Idempotency-Key header and keep it when you retry",
    ),
)
KEY_REUSED = ProblemType(
    "idempotency_key_reused",
    422,
    ("Idempotency-Key 已用于其他内容", "Idempotency-Key was used for another request"),
    (
        "键 {key} 已用于另一内容的请求，请换新键",
        "Key {key} belongs to a request with another body; use a new key",
    ),
)
KEY_IN_USE = ProblemType(
    "idempotency_key_in_use",
    409,
    ("同一请求仍在处理", "The same request is still running"),
    ("键 {key} 的请求尚未结束，请稍后重试", "The request with key {key} has not ended; try again shortly"),
)
DECLARED = (KEY_MISSING, KEY_REUSED, KEY_IN_USE)

_LOCK_WAIT = "set local lock_timeout = '200ms'"
_NO_LIMIT = "set local lock_timeout = '10s'"
_LOCK_NOT_AVAILABLE = "55P03"
_NOT_KEPT = (412, 428)  # the client mends its If-Match and sends the same request again


@dataclass(frozen=True)
class Answer:
    """What a use case answers, in a form that can be kept: a status and a JSON body."""

    status: int
    body: dict[str, Any]
    replayed: bool = False


@dataclass(frozen=True)
class Once:
    """The client's key and what it was sent with."""

    client_id: str
    key: str
    request_hash: bytes

    async def run(self, database: Database, pool: str, work: Callable[[Writer], Awaitable[Answer]]) -> Answer:
        """Do `work` once in one transaction of `pool`; repeat its answer afterwards.

        Raises Problem KEY_REUSED for another body, KEY_IN_USE while the first request is open, and what `work` raises.
        """
        try:
            async with database.writing() as tx:
                earlier = await self.claim(tx, pool)
                if earlier:
                    return earlier
                answer = await work(tx)
                await self.remember(tx, pool, answer)
                return answer
        except Problem as problem:
            if problem.kind in DECLARED or problem.kind.status in _NOT_KEPT or problem.kind.status >= 500:
                raise
            await self._remember_refusal(database, pool, problem)
            raise

    async def claim(self, tx: Writer, pool: str) -> Answer | None:
        """Take the key inside `tx`; the first answer if there is one. The row's lock is held until `tx` ends."""
        await tx.execute(_LOCK_WAIT)
        try:
            claimed = await tx.row(
                "insert into idempotency_key (pool, client_id, key, request_hash, claimed_at) "
                "values (:pool, :client, :key, :hash, :now) on conflict (pool, client_id, key) do nothing "
                "returning key",
                pool=pool,
                client=self.client_id,
                key=self.key,
                hash=self.request_hash,
                now=wall_now(),
            )
        except DBAPIError as error:
            if getattr(error.orig, "sqlstate", None) == _LOCK_NOT_AVAILABLE:
                raise KEY_IN_USE(key=self.key) from error
            raise
        await tx.execute(_NO_LIMIT)
        if claimed:
            return None
        stored = await tx.row(
            "select request_hash, status, body from idempotency_key "
            "where pool = :pool and client_id = :client and key = :key",
            pool=pool,
            client=self.client_id,
            key=self.key,
        )
        if stored is None or stored["status"] is None:
            raise KEY_IN_USE(key=self.key)
        if stored["request_hash"] != self.request_hash:
            raise KEY_REUSED(key=self.key)
        return Answer(stored["status"], stored["body"], replayed=True)

    async def remember(self, tx: Writer, pool: str, answer: Answer) -> None:
        """Keep the answer in the transaction of the effect."""
        await tx.execute(
            "update idempotency_key set status = :status, body = :body "
            "where pool = :pool and client_id = :client and key = :key",
            status=answer.status,
            body=answer.body,
            pool=pool,
            client=self.client_id,
            key=self.key,
        )

    async def _remember_refusal(self, database: Database, pool: str, problem: Problem) -> None:
        async with database.writing() as tx:
            if await self.claim(tx, pool) is None:
                both = {language: problem.body(language) for language in ("zh", "en")}
                await self.remember(tx, pool, Answer(problem.kind.status, both))


KeyHeader = Annotated[
    str | None,
    Header(
        alias="Idempotency-Key",
        max_length=300,
        description="Unique key of this request, kept when it is retried",
        examples=["pay-20211205-0001"],
    ),
]


async def once_from(request: Request, key: KeyHeader = None) -> Once:
    """The key of a request; quoted (as the draft says) and bare are the same. Raises Problem KEY_MISSING.

    Stands behind the caller in a route's signature, because a key belongs to its client.
    """
    bare = (key or "").strip().strip('"').strip()
    if not bare or len(bare) > 255:
        raise KEY_MISSING()
    about = f"{request.method} {request.url.path}?{request.url.query}\n".encode()
    return Once(request.state.client_id, bare, hashlib.sha256(about + await body_digest(request)).digest())


OnceKey = Annotated[Once, Depends(once_from)]


async def body_digest(request: Request) -> bytes:
    """SHA-256 of the body: of JSON by its meaning (key order and blanks do not count), of files by their bytes."""
    if request.headers.get("content-type", "").startswith("application/octet-stream"):
        return bytes.fromhex((await receive_upload(request)).sha256)
    raw = await request.body()
    with contextlib.suppress(orjson.JSONDecodeError):
        raw = orjson.dumps(orjson.loads(raw), option=orjson.OPT_SORT_KEYS)
    return hashlib.sha256(raw).digest()


def respond(request: Request, answer: Answer) -> Response:
    """The HTTP response of an answer, first or repeated."""
    headers = {"Idempotency-Replayed": "true"} if answer.replayed else {}
    body = answer.body
    if answer.status >= 400:
        language = language_of(request)
        return Response(orjson.dumps(body[language]), answer.status, headers, MEDIA_TYPE)
    if "version" in body and isinstance(body["version"], int):
        headers["ETag"] = f'"{body["version"]}"'
    return Response(orjson.dumps(body), answer.status, headers, "application/json")
