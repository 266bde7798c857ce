"""Retries of the client: the same key and body get the first answer (IETF draft idempotency-key-header).

The key's row, the effect and the answer are written in one transaction, so a process that dies leaves either all or
nothing and no key ever hangs. A second request that comes while the first is still open waits a moment for the row's
lock and is then told `idempotency_key_in_use`. A refusal is an answer, too: it is remembered after its transaction
was rolled back.
"""

import contextlib
import hashlib
from collections.abc import Awaitable, Callable, Collection, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, TypeVar

import orjson
from fastapi import Depends, Header, Request, Response
from sqlalchemy.exc import DBAPIError

from .chain import array_parameter, array_values
from .clock import wall_now
from .database import Database, Writer
from .evidence import receive_upload
from .problem import MEDIA_TYPE, Problem, ProblemType, language_of
from .routing import of_request

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
Item = TypeVar("Item")

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
            if _is_kept(problem):
                await self._remember_refusal(database, pool, problem)
            raise

    async def claim(self, tx: Writer, pool: str) -> Answer | None:
        """Take the key inside `tx`; the first answer if there is one. The row's lock is held until `tx` ends.

        Raises Problem KEY_REUSED, KEY_IN_USE.
        """
        [found] = await _claim_all(tx, pool, [self])
        if isinstance(found, Problem):
            raise found
        return found

    async def remember(self, tx: Writer, pool: str, answer: Answer) -> None:
        """Keep the answer in the transaction of the effect."""
        await _remember_all(tx, pool, [(self, answer)])

    async def _remember_refusal(self, database: Database, pool: str, problem: Problem) -> None:
        async with database.writing() as tx:
            if await self.claim(tx, pool) is None:
                await self.remember(tx, pool, _refusal(problem))


async def run_all(
    database: Database,
    pool: str,
    items: Sequence[Item],
    once_of: Callable[[Item], Once],
    work: Callable[[Writer, Sequence[Item]], Awaitable[Sequence[Answer | Exception]]],
) -> list[Answer | Exception]:
    """Do the `work` of many requests, each once, in one transaction of `pool`; their answers, in their order.

    For requests gathered from several callers (`shared/gathering.py`), none of which share a key. `work` answers each
    item, and has booked nothing for those that it refuses. An exception that is no Problem is not remembered: the item
    comes again. Raises DBAPIError where one of the keys is in other hands: nothing was done then.
    """
    async with database.writing() as tx:
        answers: list[Answer | Exception | None] = list(await _claim_all(tx, pool, [once_of(item) for item in items]))
        fresh = [at for at, answer in enumerate(answers) if answer is None]
        done = await work(tx, [items[at] for at in fresh]) if fresh else []
        kept, left = [], []
        for at, answer in zip(fresh, done, strict=True):
            answers[at] = answer
            if isinstance(answer, Answer):
                kept.append((once_of(items[at]), answer))
            elif isinstance(answer, Problem) and _is_kept(answer):
                kept.append((once_of(items[at]), _refusal(answer)))
            else:
                left.append(once_of(items[at]))
        await _remember_all(tx, pool, kept)
        await _forget_all(tx, pool, left)
    return [answer for answer in answers if answer is not None]


def _is_kept(problem: Problem) -> bool:
    return not (problem.kind in DECLARED or problem.kind.status in _NOT_KEPT or problem.kind.status >= 500)


def _refusal(problem: Problem) -> Answer:
    return Answer(problem.kind.status, {language: problem.body(language) for language in ("zh", "en")})


async def _claim_all(tx: Writer, pool: str, keys: Sequence[Once]) -> list[Answer | Problem | None]:
    """Take keys in one order, everybody's; for each its first answer, None where it is new, or why it is refused."""
    await tx.execute(_LOCK_WAIT)
    try:
        claimed = await _insert_keys(tx, pool, keys)
    except DBAPIError as error:
        if len(keys) == 1 and getattr(error.orig, "sqlstate", None) == _LOCK_NOT_AVAILABLE:
            raise KEY_IN_USE(key=keys[0].key) from error
        raise  # one of several is in other hands; the database does not say which
    await tx.execute(_NO_LIMIT)
    return await _earlier(tx, pool, keys, claimed)


async def _insert_keys(tx: Writer, pool: str, keys: Sequence[Once]) -> set[tuple[str, str]]:
    rows = await tx.rows(
        "insert into idempotency_key (pool, client_id, key, request_hash, claimed_at) "
        "select :pool, client_id, key, request_hash, cast(:now as timestamptz) "
        "from unnest(cast(:clients as text[]), cast(:keys as text[]), cast(:hashes as bytea[])) "
        "as given (client_id, key, request_hash) order by client_id, key "
        "on conflict (pool, client_id, key) do nothing returning client_id, key",
        pool=pool,
        now=wall_now(),
        clients=[once.client_id for once in keys],
        keys=[once.key for once in keys],
        hashes=[once.request_hash for once in keys],
    )
    return {(row["client_id"], row["key"]) for row in rows}


async def _earlier(
    tx: Writer, pool: str, keys: Sequence[Once], claimed: Collection[tuple[str, str]]
) -> list[Answer | Problem | None]:
    """What is known of the keys that were not claimed just now."""
    known = [once for once in keys if (once.client_id, once.key) not in claimed]
    if not known:
        return [None] * len(keys)
    rows = await tx.rows(
        "select client_id, key, request_hash, status, body from idempotency_key where pool = :pool "
        "and (client_id, key) in (select * from unnest(cast(:clients as text[]), cast(:keys as text[])))",
        pool=pool,
        clients=[once.client_id for once in known],
        keys=[once.key for once in known],
    )
    stored = {(row["client_id"], row["key"]): row for row in rows}
    answers: list[Answer | Problem | None] = []
    for once in keys:
        row = stored.get((once.client_id, once.key))
        if (once.client_id, once.key) in claimed:
            answers.append(None)
        elif row is None or row["status"] is None:
            answers.append(KEY_IN_USE(key=once.key))
        elif row["request_hash"] != once.request_hash:
            answers.append(KEY_REUSED(key=once.key))
        else:
            answers.append(Answer(row["status"], row["body"], replayed=True))
    return answers


async def _remember_all(tx: Writer, pool: str, answers: Sequence[tuple[Once, Answer]]) -> None:
    if answers:
        await tx.execute(
            "update idempotency_key as kept set status = given.status, body = given.body "
            "from unnest(cast(:clients as text[]), cast(:keys as text[]), cast(:statuses as integer[]), "
            f"{array_parameter('bodies', 'jsonb')}) as given (client_id, key, status, body) "
            "where kept.pool = :pool and kept.client_id = given.client_id and kept.key = given.key",
            pool=pool,
            clients=[once.client_id for once, _ in answers],
            keys=[once.key for once, _ in answers],
            statuses=[answer.status for _, answer in answers],
            bodies=array_values("jsonb", [answer.body for _, answer in answers]),
        )


async def _forget_all(tx: Writer, pool: str, keys: Sequence[Once]) -> None:
    if keys:
        await tx.execute(
            "delete from idempotency_key where pool = :pool and (client_id, key) in "
            "(select * from unnest(cast(:clients as text[]), cast(:keys as text[])))",
            pool=pool,
            clients=[once.client_id for once in keys],
            keys=[once.key for once in keys],
        )


KeyHeader = Annotated[
    str | None,
    Header(
        alias="Idempotency-Key",
        max_length=300,
        description="Unique key of this request, kept when it is retried",
        examples=["pay-20211205-0001"],
    ),
]


@of_request
async def once_from(request: Request, _shown: KeyHeader = None) -> Once:
    """The key of a request; quoted (as the draft says) and bare are the same. Raises Problem KEY_MISSING.

    Stands behind the caller in a route's signature, because a key belongs to its client.
    """
    bare = request.headers.get("idempotency-key", "").strip().strip('"').strip()
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
