"""What every service's application has, seen on payments: who may call, what a refusal looks like, what fails how."""

import asyncio
import json
import re
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import redirect_stdout
from io import StringIO
from pathlib import Path
from typing import Any

import asyncpg
import httpx
import pytest
import stamina
import structlog
from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse
from joserfc import jwt
from joserfc.jwk import OctKey, OKPKey
from sqlalchemy.engine import make_url

from services.payments import usecases
from shared import logs
from shared.ids import new_id
from shared.observing import JSON_LIMIT_BYTES
from tests.payments_town import POOL, Counter, issue_bills, slip
from tests.suite import InProcessSuite, close_app

NOWHERE = {"payments": "postgresql+asyncpg://nobody@127.0.0.1:1/nothing"}
PAID_ROSTER = {"roster_paid": {"heads": 0, "amount_fen": 0, "digest": "0"}}
FOUR_WAY = f"/v1/four-way?pool={POOL}&scheme=yangcheng-2022"


class Registration:
    """Stands where registration stands: remembers what it was asked, and answers what it is told to."""

    def __init__(self, suite: InProcessSuite) -> None:
        self.asked: list[Request] = []
        self.answer: tuple[int, dict[str, Any]] = (200, PAID_ROSTER)
        app = FastAPI()
        app.add_api_route("/v1/progress", self._read_progress)
        suite.apps["registration"] = app

    async def _read_progress(self, request: Request) -> JSONResponse:
        self.asked.append(request)
        status, body = self.answer
        return JSONResponse(body, status)


@pytest.fixture(autouse=True)
def logged() -> Iterator[StringIO]:
    """Logging as in production, and calls upstream repeated without pauses."""
    out = StringIO()
    with redirect_stdout(out):
        logs.configure("payments")
    with stamina.set_testing(True, attempts=3):
        yield out
    structlog.reset_defaults()


@pytest.fixture
async def bare(tmp_path: Path) -> AsyncIterator[InProcessSuite]:
    """Payments whose database is away."""
    suite = InProcessSuite(NOWHERE, tmp_path / "keys", only=("payments",))
    yield suite
    await suite.close()


@pytest.fixture
async def payments(databases: dict[str, str], tmp_path: Path) -> AsyncIterator[InProcessSuite]:
    suite = InProcessSuite(databases, tmp_path / "keys", only=("payments",))
    suite.set_clock("2021-12-05 10:00")
    yield suite
    await suite.close()


def faults(answer: httpx.Response) -> set[tuple[str, str]]:
    assert answer.status_code == 422, answer.text
    return {(error["pointer"], error["code"]) for error in answer.json()["errors"]}


def order(**other: Any) -> dict[str, Any]:
    """A payment by POS for a bill that there is not."""
    items = [{"bill_no": "140522ZZZZZZZZZZZZZZZZ", "amount_fen": 32000}]
    body = {
        "pool": POOL,
        "shift_id": str(new_id()),
        "method": "pos",
        "payer_name": "王小明",
        "pos": slip("r1"),
        "items": items,
    }
    return body | other


async def post(
    suite: InProcessSuite, content: Any, path: str = "/v1/counter/payments", **headers: str
) -> httpx.Response:
    raw = content if isinstance(content, bytes) else json.dumps(content).encode()
    client = suite.client("payments", "payments:read payments:write")
    return await client.post(
        path,
        content=raw,
        headers={"Idempotency-Key": str(new_id()), "Content-Type": "application/json"}
        | {name.replace("_", "-"): value for name, value in headers.items()},
    )


# Who may call.


def forged(suite: InProcessSuite, **wrong: Any) -> str:
    """A token like the issuer's, but for what is wrong with it."""
    good = OKPKey.import_key(suite.issuer.jwks()["keys"][0])
    key = wrong.pop("key", suite.issuer._key)
    header = {"alg": "Ed25519", "kid": good.kid} | wrong.pop("header", {})
    now = int(time.time())
    claims = {
        "iss": "http://127.0.0.1:8005", "aud": "canbao", "sub": "somebody", "client_id": "tests",
        "scope": "payments:read", "area": "", "iat": now, "exp": now + 60,
    } | wrong  # fmt: skip
    claims = {name: value for name, value in claims.items() if value is not None}
    return jwt.encode(header, claims, key, algorithms=[header["alg"]])


async def test_only_a_whole_token_of_our_issuer_for_us_and_for_now_is_good(bare: InProcessSuite) -> None:
    public = bare.issuer.jwks()["keys"][0]["x"]
    unsigned = forged(bare).rsplit(".", 1)[0]
    table = [
        (None, "token_missing"),
        ("", "token_missing"),
        ("Basic dXNlcjpwYXNz", "token_missing"),
        ("Bearer", "token_missing"),
        ("Bearer x.y.z", "token_invalid"),
        (f"Bearer {unsigned}.", "token_invalid"),
        (f"Bearer {forged(bare)[:-8]}AAAAAAAA", "token_invalid"),
        (f"Bearer {forged(bare, exp=int(time.time()) - 1)}", "token_invalid"),
        (f"Bearer {forged(bare, nbf=int(time.time()) + 60)}", "token_invalid"),
        (f"Bearer {forged(bare, aud='another')}", "token_invalid"),
        (f"Bearer {forged(bare, iss='http://127.0.0.1:9')}", "token_invalid"),
        (f"Bearer {forged(bare, header={'kid': 'unknown'})}", "token_invalid"),
        (f"Bearer {forged(bare, key=OKPKey.generate_key('Ed25519'))}", "token_invalid"),
        (f"Bearer {forged(bare, key=OctKey.import_key(public), header={'alg': 'HS256'})}", "token_invalid"),
        *[(f"Bearer {forged(bare, **{claim: None})}", "token_invalid") for claim in ("iss", "aud", "sub", "exp")],
    ]
    client = bare.client("payments")
    for authorization, code in table:
        headers = {} if authorization is None else {"Authorization": authorization}
        answer = await client.get("/v1/bills", params={"pool": POOL}, headers=headers)
        assert (answer.status_code, answer.json()["code"]) == (401, code), authorization
        assert answer.headers["WWW-Authenticate"] == "Bearer"
    good = await client.get("/v1/bills?pool=1", headers={"Authorization": f"Bearer {forged(bare)}"})
    assert good.status_code == 422, "the token that the others were made from is good"


async def test_a_token_that_was_good_is_refused_when_it_has_expired(bare: InProcessSuite) -> None:
    client = bare.client("payments")
    client.headers["Authorization"] = f"Bearer {forged(bare, exp=int(time.time()) + 2)}"
    assert (await client.get("/v1/bills?pool=1")).status_code == 422
    await asyncio.sleep(2.1)
    assert (await client.get("/v1/bills?pool=1")).json()["code"] == "token_invalid"


async def test_while_the_issuer_is_away_known_keys_hold_and_no_caller_is_called_a_cheat(bare: InProcessSuite) -> None:
    has_keys, has_none = bare.apps["payments"], bare.make_app("payments")
    assert (await bare.client("payments", "payments:read", app=has_keys).get("/v1/bills?pool=1")).status_code == 422
    bare._transports["issuer"] = httpx.MockTransport(lambda _request: httpx.Response(502))
    has_keys.state.verifier._fetched = float("-inf")  # long ago
    for app, token, code in (
        (has_keys, bare.token("payments:read"), "validation_failed"),
        (has_keys, forged(bare, header={"kid": "unknown"}), "token_invalid"),
        (has_none, bare.token("payments:read"), "issuer_unavailable"),
    ):
        client = bare.client("payments", app=app)
        answer = await client.get("/v1/bills?pool=1", headers={"Authorization": f"Bearer {token}"})
        assert answer.json()["code"] == code
    await close_app(has_none)


async def test_a_key_that_is_new_at_the_issuer_is_fetched(bare: InProcessSuite) -> None:
    app = bare.apps["payments"]
    client = bare.client("payments", "payments:read")
    assert (await client.get("/v1/bills?pool=1")).status_code == 422
    new_key = OKPKey.generate_key("Ed25519")
    new_jwk = {**new_key.as_dict(private=False), "kid": "new", "use": "sig", "alg": "Ed25519"}
    published = {"keys": [*bare.issuer.jwks()["keys"], new_jwk]}
    bare._transports["issuer"] = httpx.MockTransport(lambda _request: httpx.Response(200, json=published))
    client.headers["Authorization"] = f"Bearer {forged(bare, key=new_key, header={'kid': 'new'})}"
    assert (await client.get("/v1/bills?pool=1")).json()["code"] == "token_invalid", "fetched a moment ago"
    app.state.verifier._fetched = float("-inf")  # long ago
    assert (await client.get("/v1/bills?pool=1")).json()["code"] == "validation_failed"


async def test_a_token_of_a_key_that_was_withdrawn_is_refused_once_the_keys_are_fetched(bare: InProcessSuite) -> None:
    app = bare.apps["payments"]
    client = bare.client("payments", "payments:read")
    assert (await client.get("/v1/bills?pool=1")).status_code == 422
    other_jwk = {**OKPKey.generate_key("Ed25519").as_dict(private=False), "kid": "new", "use": "sig", "alg": "Ed25519"}
    published = {"keys": [other_jwk]}
    bare._transports["issuer"] = httpx.MockTransport(lambda _request: httpx.Response(200, json=published))
    app.state.verifier._fetched = float("-inf")  # long ago
    other = forged(bare, header={"kid": "unknown"})
    refused = await client.get("/v1/bills?pool=1", headers={"Authorization": f"Bearer {other}"})
    assert refused.json()["code"] == "token_invalid"
    assert (await client.get("/v1/bills?pool=1")).json()["code"] == "token_invalid", "known before, but not any more"


@pytest.mark.parametrize(
    ("scopes", "area", "code"),
    [
        ("payments:write", "", "scope_missing"),
        ("eligibility:read payments:write payments:pay", "", "scope_missing"),
        ("payments:read", "140521", "area_forbidden"),
        ("payments:read", "140521108200", "area_forbidden"),
    ],
)
async def test_a_token_for_something_or_somewhere_else_is_forbidden(
    bare: InProcessSuite, scopes: str, area: str, code: str
) -> None:
    answer = await bare.client("payments", scopes, area=area).get("/v1/bills", params={"pool": POOL})
    assert (answer.status_code, answer.json()["code"]) == (403, code)


@pytest.mark.parametrize("path", ["/v1/accounts", "/v1/summary", "/v1/events"])
async def test_what_is_about_a_whole_pool_is_not_for_a_village(bare: InProcessSuite, path: str) -> None:
    answer = await bare.client("payments", "payments:read", area="140522108200").get(path, params={"pool": POOL})
    assert (answer.status_code, answer.json()["code"]) == (403, "area_forbidden")
    assert POOL in answer.json()["detail"]


# What a refusal looks like.


@pytest.mark.parametrize(
    ("language", "title", "detail", "explained"),
    [
        ("", "请求内容有误", "请求有 1 处错误，见 errors", "格式不符"),
        ("zh-CN,zh;q=0.9,en;q=0.8", "请求内容有误", "请求有 1 处错误，见 errors", "格式不符"),
        ("en", "The request is malformed", "The request has 1 fault(s), see errors", "String should match pattern"),
        ("en-GB,en;q=0.9", "The request is malformed", "The request has 1 fault(s), see errors", "String should match"),
    ],
)
async def test_a_problem_has_one_shape_and_speaks_the_callers_language(
    bare: InProcessSuite, language: str, title: str, detail: str, explained: str
) -> None:
    client = bare.client("payments", "payments:read")
    answer = await client.get("/v1/bills?pool=shanxi", headers={"Accept-Language": language})
    assert answer.headers["content-type"] == "application/problem+json"
    body = answer.json()
    [error] = body.pop("errors")
    assert body == {
        "type": "urn:canbao:problem:validation_failed",
        "title": title,
        "status": 422,
        "detail": detail,
        "code": "validation_failed",
        "rules": [],
    }
    assert (error["pointer"], error["code"]) == ("?pool", "string_pattern_mismatch")
    assert error["detail"].startswith(explained)


async def test_every_fault_of_a_body_is_named_by_its_pointer(bare: InProcessSuite) -> None:
    body = order(
        pool="14052",
        shift_id="first",
        method="card",
        payer_name="  ",
        pos={"terminal_no": "T", "paid_at": "2021-12-05T10:00:00"},
        items=[{"bill_no": "1", "amount_fen": 0}, {"amount_fen": None}],
        discount=1,
        **{"a/b~c": 1},
    )
    assert faults(await post(bare, body)) == {
        ("/pool", "string_pattern_mismatch"),
        ("/shift_id", "uuid_parsing"),
        ("/method", "literal_error"),
        ("/payer_name", "string_too_short"),
        ("/pos/batch_no", "missing"),
        ("/pos/trace_no", "missing"),
        ("/pos/paid_at", "timezone_aware"),
        ("/items/0/bill_no", "string_too_short"),
        ("/items/0/amount_fen", "greater_than"),
        ("/items/1/bill_no", "missing"),
        ("/items/1/amount_fen", "int_type"),
        ("/discount", "extra_forbidden"),
        ("/a~1b~0c", "extra_forbidden"),
    }


@pytest.mark.parametrize(
    ("path", "found"),
    [
        ("/v1/bills", {("?pool", "missing")}),
        ("/v1/bills?pool=140522&limit=0", {("?limit", "greater_than_equal")}),
        ("/v1/bills?pool=140522&limit=1001", {("?limit", "less_than_equal")}),
        ("/v1/bills?pool=140522&limit=many&status=lost", {("?limit", "int_parsing"), ("?status", "literal_error")}),
        ("/v1/bills?pool=١٤٠٥٢٢", {("?pool", "string_pattern_mismatch")}),
        (
            "/v1/events?pool=140522&after=-1&limit=1001",
            {("?after", "greater_than_equal"), ("?limit", "less_than_equal")},
        ),
        ("/v1/events?pool=140522&after=9223372036854775808", {("?after", "less_than_equal")}),
        ("/v1/shifts/first?pool=140522", {("path:shift_id", "uuid_parsing")}),
    ],
)
async def test_every_fault_of_an_address_is_named(bare: InProcessSuite, path: str, found: set[tuple[str, str]]) -> None:
    assert faults(await bare.client("payments", "payments:read").get(path)) == found


@pytest.mark.parametrize(
    ("raw", "found"),
    [
        (b'{"pool": ', {("", "json_invalid")}),
        (b"", {("", "missing")}),
        (b"[]", {("", "model_attributes_type")}),
        (b'"text"', {("", "model_attributes_type")}),
        (json.dumps(order(payer_name="\ud800")).encode(), {("/payer_name", "string_unicode")}),
        (json.dumps(order(method="cash")).encode(), {("", "value_error")}),
    ],
)
async def test_a_body_that_is_no_object_or_no_json_is_refused(
    bare: InProcessSuite, raw: bytes, found: set[tuple[str, str]]
) -> None:
    assert faults(await post(bare, raw)) == found


@pytest.mark.parametrize("raw", [b"[" * 100_000, b"\xff\xfe{", b'{"pool": "\xd6\xd0"}'])
async def test_a_body_too_deep_or_in_another_encoding_is_refused(bare: InProcessSuite, raw: bytes) -> None:
    answer = await post(bare, raw)
    assert (answer.status_code, answer.headers["content-type"]) == (400, "application/problem+json")


@pytest.mark.parametrize("amount", ["32000", "320.00", 32000.0, 320.5, True, None])
async def test_an_amount_is_an_integer_and_nothing_that_can_be_taken_for_one(bare: InProcessSuite, amount: Any) -> None:
    """`"320.00"` would be 320 yuan to its sender and 320 fen to us."""
    item = {"bill_no": "140522ZZZZZZZZZZZZZZZZ", "amount_fen": amount}
    assert {pointer for pointer, _ in faults(await post(bare, order(items=[item])))} == {"/items/0/amount_fen"}


@pytest.mark.parametrize(
    "body",
    [
        order(payer_name="王\u0000小明"),
        order(pos=slip("r1", at="0001-01-01T00:00:00+14:00")),
        order(pos=slip("r1", at="9999-12-31T23:59:59-14:00")),
    ],
)
async def test_what_no_database_holds_is_a_fault_of_the_request(payments: InProcessSuite, body: dict[str, Any]) -> None:
    counter = await Counter.open(payments)
    body["shift_id"] = counter.shift["shift_id"]
    answer = await counter.client.post("/v1/counter/payments", json=body, headers={"Idempotency-Key": "k"})
    assert answer.status_code == 422, answer.text
    assert {code for _, code in faults(answer)} <= {"not_storable", "datetime_parsing"}


async def test_a_body_beyond_its_limit_is_cut_off_with_or_without_a_length(bare: InProcessSuite) -> None:
    async def in_parts() -> AsyncIterator[bytes]:
        for _ in range(1000):
            yield b" " * 100_000

    client = bare.client("payments", "payments:write")
    for content in (b" " * (JSON_LIMIT_BYTES + 1), in_parts()):
        answer = await client.post(
            "/v1/counter/payments", content=content, headers={"Content-Type": "application/json"}
        )
        assert answer.status_code == 413
        assert answer.json()["code"] == "body_too_large"
        assert str(JSON_LIMIT_BYTES) in answer.json()["detail"]


async def test_a_second_content_type_lifts_no_limit(bare: InProcessSuite) -> None:
    """The first one counts everywhere: a file's limit is not to be had for JSON, which is read before the token."""
    kinds = [("Content-Type", "application/json"), ("Content-Type", "application/octet-stream")]
    answer = await bare.client("payments", "payments:write").post(
        "/v1/counter/payments", content=b" " * (JSON_LIMIT_BYTES + 1), headers=kinds
    )
    assert (answer.status_code, answer.json()["code"]) == (413, "body_too_large")


async def test_an_unknown_address_and_a_wrong_method_are_problems_too(bare: InProcessSuite) -> None:
    client = bare.client("payments")
    unknown = await client.get("/v1/nothing-here")
    assert (unknown.status_code, unknown.json()["code"]) == (404, "not_found")
    assert "/v1/nothing-here" in unknown.json()["detail"]
    wrong = await client.delete("/v1/bills")
    assert (wrong.status_code, wrong.json()["code"], wrong.headers["Allow"]) == (405, "http_error", "GET")
    for answer in (unknown, wrong):
        assert answer.headers["content-type"] == "application/problem+json"


# The request id.


@pytest.mark.parametrize("given", [None, b"", b"a\x07b", b"a b\x7f", "请求".encode(), b"\xff", b"x" * 101])
async def test_a_request_without_a_usable_id_gets_one(bare: InProcessSuite, given: bytes | None) -> None:
    client = bare.client("payments")
    headers = [] if given is None else [(b"X-Request-ID", given)]
    made = [(await client.get("/healthz", headers=headers)).headers.get_list("X-Request-ID") for _ in range(2)]
    assert [len(one) for one in made] == [1, 1]
    assert made[0] != made[1]
    assert all(re.fullmatch(r"[0-9a-f-]{36}", one[0]) for one in made)


async def test_a_request_id_is_echoed_logged_and_carried_upstream(payments: InProcessSuite, logged: StringIO) -> None:
    registration = Registration(payments)
    client = payments.client("payments", "payments:read")
    answers = await asyncio.gather(*[client.get(FOUR_WAY, headers={"X-Request-ID": f"trace-{n}"}) for n in range(10)])
    assert [answer.headers["X-Request-ID"] for answer in answers] == [f"trace-{n}" for n in range(10)]
    assert {answer.status_code for answer in answers} == {200}
    assert {asked.headers["X-Request-ID"] for asked in registration.asked} == {f"trace-{n}" for n in range(10)}
    assert all(asked.headers["Authorization"].startswith("Bearer ") for asked in registration.asked)
    lines = [json.loads(line) for line in logged.getvalue().splitlines()]
    assert {line["request_id"] for line in lines if line["event"] == "request"} == {f"trace-{n}" for n in range(10)}
    refused = await client.get("/v1/nothing-here", headers={"X-Request-ID": "trace me"})
    assert refused.headers["X-Request-ID"] == "trace me"


# Calls upstream.


async def test_no_call_leaves_inside_a_transaction(payments: InProcessSuite) -> None:
    registration = Registration(payments)
    service: usecases.Payments = payments.apps["payments"].state.service

    async def ask() -> int:
        return (await service.registration.paid_roster(POOL, "yangcheng-2022")).heads

    for transaction in (service.database.writing, service.database.reading):
        async with transaction():
            with pytest.raises(RuntimeError, match="inside a database transaction"):
                await ask()
            with pytest.raises(RuntimeError, match="inside a database transaction"):
                await asyncio.create_task(ask())
    assert registration.asked == []
    assert await ask() == 0
    assert len(registration.asked) == 1


async def test_anothers_transaction_does_not_hold_up_a_call(payments: InProcessSuite) -> None:
    registration = Registration(payments)
    service: usecases.Payments = payments.apps["payments"].state.service
    begun, asked = asyncio.Event(), asyncio.Event()

    async def hold() -> None:
        async with service.database.writing():
            begun.set()
            await asked.wait()

    holding = asyncio.create_task(hold())
    await begun.wait()
    await service.registration.paid_roster(POOL, "yangcheng-2022")
    asked.set()
    await holding
    assert len(registration.asked) == 1


@pytest.mark.parametrize(
    ("answer", "status", "code", "times"),
    [
        ((503, {"code": "try_again"}), 503, "upstream_unavailable", 3),
        ((429, {}), 503, "upstream_unavailable", 3),
        ((409, {"code": "idempotency_key_in_use"}), 503, "upstream_unavailable", 3),
        ((500, {"code": "internal_error"}), 503, "upstream_unavailable", 1),
        ((404, {"code": "scheme_unknown"}), 502, "upstream_refused", 1),
        ((403, {"code": "scope_missing"}), 502, "upstream_refused", 1),
    ],
)
async def test_what_an_upstream_does_not_answer_is_asked_again_where_it_helps_and_told(
    bare: InProcessSuite, answer: tuple[int, dict[str, Any]], status: int, code: str, times: int
) -> None:
    registration = Registration(bare)
    registration.answer = answer
    told = await bare.client("payments", "payments:read").get(FOUR_WAY)
    assert (told.status_code, told.json()["code"], len(registration.asked)) == (status, code, times)
    assert "registration" in told.json()["detail"]


async def test_an_upstream_or_an_issuer_that_cannot_be_reached_is_told(bare: InProcessSuite) -> None:
    def unreachable(request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("refused", request=request)

    Registration(bare)
    for silent in (httpx.MockTransport(unreachable), httpx.MockTransport(lambda _request: httpx.Response(500))):
        client = bare.client("payments", "payments:read")
        assert (await client.get("/v1/bills?pool=1")).status_code == 422  # it has the issuer's keys
        service: usecases.Payments = bare.apps["payments"].state.service
        service.registration.upstream._auth._client = httpx.AsyncClient(transport=silent)
        answer = await client.get(FOUR_WAY)
        assert (answer.status_code, answer.json()["code"]) == (503, "upstream_unavailable")


# Health, metrics, and what nobody expected.


async def test_alive_without_a_database_but_not_ready(bare: InProcessSuite) -> None:
    client = bare.client("payments")
    assert (await client.get("/healthz")).json() == {"status": "ok"}
    ready = await client.get("/readyz")
    assert (ready.status_code, ready.json()["code"], ready.headers["Retry-After"]) == (503, "try_again", "1")


async def test_ready_with_the_database_at_the_migration_of_the_code(payments: InProcessSuite) -> None:
    client = payments.client("payments")
    database = payments.apps["payments"].state.database
    assert (await client.get("/readyz")).json() == {"status": "ok"}
    for damage in ("update alembic_version set version_num = '0001_create_shared'", "delete from alembic_version",
                   "drop table alembic_version"):  # fmt: skip
        async with database.writing() as tx:
            await tx.execute(damage)
        assert (await client.get("/readyz")).status_code == 503, damage
    assert (await client.get("/healthz")).status_code == 200


async def test_a_database_that_goes_away_and_comes_back(payments: InProcessSuite) -> None:
    """No restart, no 500: whoever asks meanwhile is told to ask again, and the same key takes the money once."""
    [bill] = await issue_bills(payments, [32000])
    counter = await Counter.open(payments)
    address = make_url(payments.databases["payments"])
    admin = await asyncpg.connect(
        address.set(drivername="postgresql", database="postgres").render_as_string(hide_password=False)
    )
    try:
        await admin.execute(f'alter database "{address.database}" with allow_connections false')
        await admin.execute(
            "select pg_terminate_backend(pid) from pg_stat_activity where datname = $1", address.database
        )
        for answer in [
            await counter.take([bill], key="k"),
            await counter.client.get("/v1/bills", params={"pool": POOL}),
        ]:
            assert (answer.status_code, answer.json()["code"]) == (503, "try_again")
            assert answer.headers["Retry-After"] == "1"
        assert (await counter.client.get("/readyz")).status_code == 503
        await admin.execute(f'alter database "{address.database}" with allow_connections true')
        assert (await counter.client.get("/readyz")).status_code == 200
        taken = await counter.take([bill], key="k")
        assert taken.json()["items"][0]["outcome"] == "settled"
        assert "Idempotency-Replayed" not in taken.headers
    finally:
        await admin.execute(f'alter database "{address.database}" with allow_connections true')
        await admin.close()


async def test_a_database_that_was_never_there(bare: InProcessSuite) -> None:
    for answer in [
        await bare.client("payments", "payments:read").get("/v1/bills", params={"pool": POOL}),
        await post(bare, order()),
    ]:
        assert (answer.status_code, answer.json()["code"]) == (503, "try_again")


async def test_when_all_connections_are_taken_the_rest_are_told_to_come_again(payments: InProcessSuite) -> None:
    database = payments.apps["payments"].state.database
    database.engine.sync_engine.pool._timeout = 0.05
    taken = [await database.engine.connect() for _ in range(30)]
    answer = await payments.client("payments", "payments:read").get("/v1/bills", params={"pool": POOL})
    assert (answer.status_code, answer.json()["code"]) == (503, "try_again")
    for connection in taken:
        await connection.close()
    assert (await payments.client("payments", "payments:read").get("/v1/bills?pool=140522")).status_code == 200


@pytest.mark.parametrize(
    ("sqlstate", "words", "status"),
    [
        ("55P03", "canceling statement due to lock timeout", 503),
        ("XX000", "canceling statement due to lock timeout", 503),  # while rows are copied to a node of a cluster
        ("XX000", "cache lookup failed", 500),
    ],
)
async def test_who_waited_too_long_in_the_database_is_told_to_come_again(
    payments: InProcessSuite, sqlstate: str, words: str, status: int
) -> None:
    async def wait() -> None:
        async with payments.apps["payments"].state.database.writing() as tx:
            await tx.execute(f"do $$ begin raise exception '{words}' using errcode = '{sqlstate}'; end $$")

    payments.apps["payments"].add_api_route("/v1/boom", wait)
    assert (await payments.client("payments").get("/v1/boom")).status_code == status


async def test_what_nobody_expected_is_told_without_its_inside(bare: InProcessSuite, logged: StringIO) -> None:
    async def fail() -> None:
        raise LookupError("the secret of 11010519491231002X")

    bare.apps["payments"].add_api_route("/v1/boom", fail)
    for language, word in (("zh", "请求号"), ("en", "quote request id")):
        answer = await bare.client("payments").get(
            "/v1/boom", headers={"X-Request-ID": "trace-1", "Accept-Language": language}
        )
        assert (answer.status_code, answer.json()["code"]) == (500, "internal_error")
        assert answer.headers["content-type"] == "application/problem+json"
        assert answer.headers["X-Request-ID"] == "trace-1"
        assert "trace-1" in answer.json()["detail"]
        assert word in answer.json()["detail"]
        assert not re.search("secret|LookupError|Traceback|11010519491231002X", answer.text)
    failed = [line for line in map(json.loads, logged.getvalue().splitlines()) if line["event"] == "request_failed"]
    assert [line["request_id"] for line in failed] == ["trace-1", "trace-1"]
    assert "LookupError: the secret of 1101************2X" in failed[0]["exception"]


async def test_metrics_count_requests_by_route_and_status(bare: InProcessSuite) -> None:
    client = bare.client("payments", "payments:read")

    async def count(route: str, status: int, method: str = "GET") -> float:
        text = (await client.get("/metrics")).text
        line = f'http_requests_total{{method="{method}",route="{route}",status="{status}"}} '
        return next((float(found.removeprefix(line)) for found in text.splitlines() if found.startswith(line)), 0)

    table = [
        ("/v1/bills?pool=1", "/v1/bills", 422),
        (f"/v1/bills/{'A' * 20}?pool={POOL}", "/v1/bills/{bill_no}", 503),
        ("/v1/nothing-here", "other", 404),
        ("/healthz", "/healthz", 200),
    ]
    for path, route, status in table:
        before = await count(route, status)
        for _ in range(3):
            assert (await client.get(path)).status_code == status
        assert await count(route, status) == before + 3, route
    text = (await client.get("/metrics")).text
    assert 'http_request_seconds_bucket{le="0.1",method="GET",route="/healthz"}' in text
    assert "nothing-here" not in text


# Lists.


async def test_paging_walks_everything_exactly_once_whatever_the_limit(payments: InProcessSuite) -> None:
    bills = await issue_bills(payments, [32000] * 20)
    counter = await Counter.open(payments)
    assert (await counter.take(bills)).status_code == 201
    client = payments.client("payments", "payments:read")
    for path, name, known in (
        ("/v1/bills", "bill_no", {bill.bill_no for bill in bills}),
        ("/v1/collections", "bill_no", {bill.bill_no for bill in bills}),
        ("/v1/events", "subject", {bill.bill_no for bill in bills}),
    ):
        for limit in (1, 3, 10, 19, 20, 21, 1000):
            walked, after, pages = [], "", 0
            while after is not None:
                params = {"pool": POOL, "limit": limit} | ({"after": after} if after else {})
                answer = (await client.get(path, params=params)).json()
                assert 0 < len(answer["items"]) <= limit
                walked += [item[name] for item in answer["items"]]
                after, pages = answer["next"], pages + 1
            assert len(walked) == 20, path
            assert set(walked) == known
            assert pages == -(-20 // limit), "no page is empty"
