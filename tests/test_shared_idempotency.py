"""The idempotency store: one effect and one answer per key, whatever comes twice, at once, or dies between."""

import asyncio
from collections import Counter as Tally
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from shared.database import Database, Writer
from shared.idempotency import KEY_IN_USE, KEY_REUSED, Answer, Once
from shared.problem import Problem, ProblemType
from tests.payments_town import POOL, Counter, issue_bills
from tests.suite import InProcessSuite, close_app

REFUSED = ProblemType("refused_here", 409, ("拒绝", "Refused"), ("原因 {n}", "reason {n}"))
SHIFT: dict[str, Any] = {"pool": POOL, "counter_code": "HALL09", "region": "140522108", "opening_float_fen": 0}


@pytest.fixture
async def workers(databases: dict[str, str]) -> AsyncIterator[list[Database]]:
    opened = [Database(databases["payments"], pool_size=20) for _ in range(2)]
    yield opened
    for database in opened:
        await database.close()


@pytest.fixture
async def payments(databases: dict[str, str], tmp_path: Path) -> AsyncIterator[InProcessSuite]:
    suite = InProcessSuite(databases, tmp_path / "keys", only=("payments",))
    yield suite
    await suite.close()


class Effect:
    """Work that counts how often it was really done."""

    def __init__(self, database: Database, *, hold: float = 0, fail: BaseException | None = None) -> None:
        self.database, self.hold, self.fail = database, hold, fail

    async def __call__(self, tx: Writer) -> Answer:
        await tx.execute(
            "insert into receipt_book (pool, book_code, last_number) values ('999001', 'B', 1) "
            "on conflict (pool, book_code) do update set last_number = receipt_book.last_number + 1"
        )
        await asyncio.sleep(self.hold)
        if self.fail:
            raise self.fail
        return Answer(201, {"done": True})


async def times_done(database: Database) -> int:
    async with database.reading() as tx:
        return await tx.value("select last_number from receipt_book where pool = '999001'") or 0


def key(name: str = "k", body: bytes = b"b", client: str = "c") -> Once:
    return Once(client, name, body)


async def test_the_first_answer_is_repeated(workers: list[Database]) -> None:
    first = await key().run(workers[0], "999001", Effect(workers[0]))
    again = await key().run(workers[1], "999001", Effect(workers[1]))
    assert (first.replayed, again.replayed) == (False, True)
    assert again.body == first.body
    assert await times_done(workers[0]) == 1


@pytest.mark.parametrize(
    ("name", "body", "client", "pool"),
    [("other", b"b", "c", "999001"), ("k", b"b", "other", "999001"), ("k", b"b", "c", "999002")],
)
async def test_another_key_client_or_pool_is_another_request(
    workers: list[Database], name: str, body: bytes, client: str, pool: str
) -> None:
    await key().run(workers[0], "999001", Effect(workers[0]))
    await key(name, body, client).run(workers[0], pool, Effect(workers[0]))
    assert await times_done(workers[0]) == 2


async def test_another_body_under_the_same_key_is_refused(workers: list[Database]) -> None:
    await key().run(workers[0], "999001", Effect(workers[0]))
    with pytest.raises(Problem) as refused:
        await key(body=b"other").run(workers[0], "999001", Effect(workers[0]))
    assert refused.value.kind is KEY_REUSED
    assert await times_done(workers[0]) == 1


async def test_while_the_first_runs_the_second_is_told_so(workers: list[Database]) -> None:
    slow = asyncio.create_task(key().run(workers[0], "999001", Effect(workers[0], hold=1)))
    await asyncio.sleep(0.2)
    with pytest.raises(Problem) as refused:
        await key().run(workers[1], "999001", Effect(workers[1]))
    assert refused.value.kind is KEY_IN_USE
    await slow
    assert (await key().run(workers[1], "999001", Effect(workers[1]))).replayed


async def test_fifty_at_once_on_two_workers_have_one_effect(workers: list[Database]) -> None:
    results = await asyncio.gather(
        *[key().run(workers[n % 2], "999001", Effect(workers[n % 2])) for n in range(50)], return_exceptions=True
    )
    kinds = Tally(
        "answer" if isinstance(r, Answer) else r.kind.code if isinstance(r, Problem) else repr(r) for r in results
    )
    assert set(kinds) <= {"answer", "idempotency_key_in_use"}
    assert kinds["answer"] >= 1
    assert await times_done(workers[0]) == 1


async def test_a_request_that_died_leaves_the_key_free(workers: list[Database]) -> None:
    with pytest.raises(RuntimeError):
        await key().run(workers[0], "999001", Effect(workers[0], fail=RuntimeError("killed")))
    assert not (await key().run(workers[1], "999001", Effect(workers[1]))).replayed
    assert await times_done(workers[0]) == 1


async def test_a_refusal_is_remembered_and_its_effect_is_not(workers: list[Database]) -> None:
    with pytest.raises(Problem):
        await key().run(workers[0], "999001", Effect(workers[0], fail=REFUSED(n=1)))
    again = await key().run(workers[1], "999001", Effect(workers[1], fail=REFUSED(n=2)))
    assert (again.status, again.replayed, again.body["zh"]["detail"]) == (409, True, "原因 1")
    assert await times_done(workers[0]) == 0


async def test_over_http_quoted_and_bare_keys_are_the_same(payments: InProcessSuite) -> None:
    client = payments.client("payments", "payments:read payments:write")
    first = await client.post("/v1/shifts", json=SHIFT, headers={"Idempotency-Key": '"abc"'})
    again = await client.post("/v1/shifts", json=dict(reversed(SHIFT.items())), headers={"Idempotency-Key": "abc"})
    assert (first.status_code, again.status_code) == (201, 201)
    assert "Idempotency-Replayed" not in first.headers
    assert again.headers["Idempotency-Replayed"] == "true"
    assert again.json() == first.json()
    assert again.headers["ETag"] == first.headers["ETag"] == '"1"'


async def test_over_http_missing_reused_and_refused(payments: InProcessSuite) -> None:
    client = payments.client("payments", "payments:read payments:write")
    missing = await client.post("/v1/shifts", json=SHIFT)
    assert (missing.status_code, missing.json()["code"]) == (400, "idempotency_key_missing")
    await client.post("/v1/shifts", json=SHIFT, headers={"Idempotency-Key": "one"})
    reused = await client.post("/v1/shifts", json=SHIFT | {"opening_float_fen": 1}, headers={"Idempotency-Key": "one"})
    assert (reused.status_code, reused.json()["code"]) == (422, "idempotency_key_reused")
    for language, word in (("zh", "未结班次"), ("en", "close it first")):
        refused = await client.post(
            "/v1/shifts", json=SHIFT, headers={"Idempotency-Key": "two", "Accept-Language": language}
        )
        assert refused.status_code == 409
        assert refused.headers["content-type"] == "application/problem+json"
        assert refused.json()["code"] == "shift_already_open"
        assert word in refused.json()["detail"]
    assert refused.headers["Idempotency-Replayed"] == "true"


async def test_the_same_payment_sent_to_two_workers_takes_the_money_once(payments: InProcessSuite) -> None:
    payments.set_clock("2021-12-05 10:00")
    [bill] = await issue_bills(payments, [32000])
    counter = await Counter.open(payments)
    second = payments.make_app("payments")
    twin = Counter(
        payments.client("payments", "payments:read payments:write", user="clerk-wang", app=second), counter.shift
    )
    answers = await asyncio.gather(*[hall.take([bill], key="same") for hall in (counter, twin) for _ in range(10)])
    assert {answer.status_code for answer in answers} <= {201, 409}
    assert {answer.json()["code"] for answer in answers if answer.status_code == 409} <= {"idempotency_key_in_use"}
    final = await twin.take([bill], key="same")
    assert final.headers["Idempotency-Replayed"] == "true"
    found = await payments.client("payments", "payments:read").get("/v1/collections", params={"pool": POOL})
    assert len(found.json()["items"]) == 1
    await close_app(second)
