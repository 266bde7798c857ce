"""Money goes back once, through three pairs of hands, whoever dies in between; or the reason why not is told."""

import asyncio
from collections import Counter as Tally
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import stamina
import yaml
from sqlalchemy.exc import IntegrityError

from deploy.local.places import ROOT
from services.refunds import usecases
from shared.ids import new_id
from shared.jobs import drain
from shared.tokens import Verifier
from tests.payments_town import POOL, Counter, IssuedBill, issue_bills, slip
from tests.registration_town import publish_package
from tests.suite import InProcessSuite, close_app

SCHEME = "yangcheng-2022"
FEN = 32000
Json = dict[str, Any]


class Office:
    """The people of an agency at the refunds service, each with the one scope of their desk."""

    def __init__(self, suite: InProcessSuite, app: Any = None) -> None:
        self.suite, self.app = suite, app

    def _client(self, scope: str, user: str, area: str = "") -> httpx.AsyncClient:
        return self.suite.client("refunds", f"refunds:{scope}", user=user, area=area, app=self.app)

    async def apply(self, collection_id: str, /, *, by: str = "asker", key: str = "", **changes: Any) -> httpx.Response:
        body = {
            "pool": POOL,
            "scheme": SCHEME,
            "collection_id": collection_id,
            "ground": "paid_twice",
            "applicant": {"name": "王小明"},
        }
        return await self._client("write", by).post(
            "/v1/applications", json=body | changes, headers={"Idempotency-Key": key or str(new_id())}
        )

    async def list(self, area: str = "", **params: Any) -> list[Json]:
        answer = await self._client("read", "reader", area).get("/v1/applications", params={"pool": POOL, **params})
        answer.raise_for_status()
        found: list[Json] = answer.json()["items"]
        return found

    async def read(self, application: Json) -> Json:
        path = f"/v1/applications/{application['application_id']}"
        answer = await self._client("read", "reader").get(path, params={"pool": POOL})
        assert answer.headers["ETag"] == f'"{answer.json()["version"]}"'
        found: Json = answer.json()
        return found

    async def summary(self) -> Json:
        answer = await self._client("read", "reader").get("/v1/summary", params={"pool": POOL, "scheme": SCHEME})
        found: Json = answer.json()
        return found

    async def check(
        self, application: Json, result: str = "confirmed", *, by: str = "checker", **more: Any
    ) -> httpx.Response:
        return await self._step("check", application, "check", by, {"result": result, **more})

    async def decide(
        self, application: Json, result: str = "approved", *, by: str = "decider", **more: Any
    ) -> httpx.Response:
        return await self._step("decide", application, "approve", by, {"result": result, **more})

    async def pay(
        self, application: Json, counter: Counter, *, by: str = "", key: str = "", method: str = "cash"
    ) -> httpx.Response:
        body = {"shift_id": counter.shift["shift_id"], "method": method}
        return await self._step("pay", application, "pay", by or counter.shift["clerk"], body, key)

    async def approved(self, application: Json) -> Json:
        """Bring a requested application to `approved`."""
        checked = await self.check(application)
        assert checked.status_code == 200, checked.text
        decided = await self.decide(checked.json())
        assert decided.status_code == 200, decided.text
        found: Json = decided.json()
        return found

    async def _step(
        self, step: str, application: Json, scope: str, by: str, body: Json, key: str = ""
    ) -> httpx.Response:
        return await self._client(scope, by).post(
            f"/v1/applications/{application['application_id']}/{step}",
            json={"pool": POOL, **body},
            headers={"Idempotency-Key": key or str(new_id()), "If-Match": f'"{application["version"]}"'},
        )


class Line(httpx.AsyncBaseTransport):
    """The line to payments, which a test can disturb: `before` a payout gets there, `after` it was carried out."""

    def __init__(self, through: httpx.AsyncBaseTransport) -> None:
        self._through = through
        self.before: Callable[[], None] = lambda: None
        self.after: Callable[[], None] = lambda: None

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        if request.url.path != "/v1/refunds":
            return await self._through.handle_async_request(request)
        self.before()
        answer = await self._through.handle_async_request(request)
        self.after()
        return answer

    def mend(self) -> None:
        self.before = self.after = lambda: None


def cut() -> None:
    raise httpx.ReadError("the line was cut")


def die() -> None:
    raise RuntimeError("the process was killed")


@pytest.fixture
async def suite(databases: dict[str, str], tmp_path: Path) -> AsyncIterator[InProcessSuite]:
    """Registration with its package, payments and refunds; the line between the two last can be disturbed."""
    running = InProcessSuite(databases, tmp_path / "keys", only=("registration", "payments"))
    running._transports["payments"] = Line(running._transports["payments"])
    running.apps["refunds"] = running.make_app("refunds")
    await publish(running)
    running.set_clock("2021-12-05 10:00")
    yield running
    await running.close()


@pytest.fixture
def office(suite: InProcessSuite) -> Office:
    return Office(suite)


@pytest.fixture
def line(suite: InProcessSuite) -> Line:
    found = suite._transports["payments"]
    assert isinstance(found, Line)
    return found


@pytest.fixture
def impatient() -> Iterator[None]:
    """A dead line is given up at once; otherwise it is tried again for some seconds."""
    with stamina.set_testing(True, attempts=1):
        yield


async def publish(suite: InProcessSuite) -> None:
    content = (ROOT / "services/registration/packages/yangcheng-2022.yaml").read_bytes()
    drafted = await suite.client("registration", "registration:write", user="officer-a").post(
        "/v1/packages",
        content=content,
        headers={"Content-Type": "application/octet-stream", "Idempotency-Key": "package"},
    )
    assert drafted.status_code == 201, drafted.text
    path = f"/v1/packages/{SCHEME}/{drafted.json()['version']}"
    for scope, user, step in (("write", "officer-a", "validate"), ("approve", "officer-b", "publish")):
        client = suite.client("registration", f"registration:{scope}", user=user)
        done = await client.post(f"{path}/{step}", json={})
        assert done.status_code == 200, done.text


async def take(counter: Counter, bill: IssuedBill, day: str = "2021-12-05") -> str:
    """Take money for a bill by POS; the collection."""
    answer = await counter.client.post(
        "/v1/counter/payments",
        json={
            "pool": POOL,
            "shift_id": counter.shift["shift_id"],
            "method": "pos",
            "payer_name": "王小明",
            "pos": slip(str(new_id()), at=f"{day}T10:00:00+08:00"),
            "items": [{"bill_no": bill.bill_no, "amount_fen": bill.amount_fen}],
        },
        headers={"Idempotency-Key": str(new_id())},
    )
    assert answer.status_code == 201, answer.text
    collection_id: str = answer.json()["items"][0]["collection_id"]
    return collection_id


async def pay_twice(suite: InProcessSuite, day: str = "2021-12-05") -> tuple[Counter, str, str]:
    """Somebody pays a bill on 5 December and once more on `day`; the counter, what settled it and what is surplus."""
    [bill] = await issue_bills(suite, [FEN])
    counter = await Counter.open(suite, code=f"HALL{str(new_id())[-6:].upper()}")
    return counter, await take(counter, bill), await take(counter, bill, day)


async def found_by_itself(suite: InProcessSuite, office: Office) -> tuple[Counter, Json]:
    """An application that the system has opened, and a counter to pay it out."""
    counter, _, _ = await pay_twice(suite)
    await follow(suite)
    [application] = await office.list()
    return counter, application


async def refunds_of(suite: InProcessSuite) -> Json:
    summary = await suite.client("payments", "payments:read").get("/v1/summary", params={"pool": POOL})
    found: Json = summary.json()["refunds"]
    return found


async def told(suite: InProcessSuite) -> list[tuple[str, str]]:
    """What refunds has told: kind of event, and the outcome of a decision."""
    feed = await suite.client("refunds", "refunds:read").get("/v1/events", params={"pool": POOL})
    return [(event["type"], event["data"].get("outcome", "")) for event in feed.json()["items"]]


async def ask_again(suite: InProcessSuite, app: Any = None) -> bool:
    service: usecases.Refunds = (app or suite.apps["refunds"]).state.service
    service.settings.ask_again_seconds = 0
    return await usecases.ask_again(service)


async def follow(suite: InProcessSuite) -> None:
    """Let refunds learn the news of payments; the bills are invented, so registration is left out."""
    await drain(suite.apps["refunds"].state.jobs)


CLOSED = [("refund.decided", "approved"), ("refund.closed", "")]


@pytest.mark.rule("S004-31", "A004-12")
async def test_paid_twice_is_found_by_itself_and_goes_back_through_three_pairs_of_hands(
    suite: InProcessSuite, office: Office
) -> None:
    counter, _, surplus = await pay_twice(suite)
    suite.set_clock("2021-12-06 08:30")
    await follow(suite)
    [found] = await office.list(state="requested", scheme=SCHEME)
    assert (found["collection_id"], found["requested_by"], found["ground"]) == (surplus, "system", "paid_twice")
    assert (found["amount_fen"], found["requested_on"], found["applicant_name"]) == (FEN, "2021-12-05", "王小明")
    approved = await office.approved(found)
    paid = await office.pay(approved, counter)
    assert (paid.status_code, paid.json()["state"], paid.headers["ETag"]) == (200, "paid", '"5"')
    assert paid.json() == await office.read(found)
    hands = ("requested_by", "checked_by", "decided_by", "paid_by")
    assert [paid.json()[hand] for hand in hands] == ["system", "checker", "decider", "clerk-wang"]
    assert await refunds_of(suite) == {"count": 1, "amount_fen": FEN}
    await follow(suite)
    assert await told(suite) == CLOSED
    assert await office.summary() == {"requested": 1, "paid": 1, "refused": 0, "amount_fen": FEN}
    assert await suite.invariants_broken() == {}


@pytest.mark.rule("A000-15", "A002-18", "A-X4")
async def test_where_no_notice_speaks_of_refunds_what_came_twice_goes_back_by_a_decision(
    suite: InProcessSuite, office: Office
) -> None:
    counter, application = await found_by_itself(suite, office)
    silent = yaml.safe_load((ROOT / f"services/registration/packages/{SCHEME}.yaml").read_bytes())
    del silent["refund"]
    corrected = {"reason": "退费改由本地另行确定", "counts_from": "2021-09-01"}
    await publish_package(suite, yaml.safe_dump(silent, allow_unicode=True).encode(), corrected)
    unsaid = await office.check(application)
    assert (unsaid.status_code, unsaid.json()["code"]) == (422, "note_needed")
    asked = await office.apply(application["collection_id"], ground="paid_twice")
    assert "no_rule" in [reason["code"] for reason in asked.json()["reasons"]]
    checked = await office.check(application, note="同一保费缴了两次")
    assert (checked.status_code, checked.json()["check_note"]) == (200, "同一保费缴了两次")
    decided = await office.decide(checked.json())
    paid = await office.pay(decided.json(), counter)
    assert (paid.status_code, paid.json()["state"]) == (200, "paid")


@pytest.mark.rule("S004-30", "S004-32", "A004-12")
async def test_asked_too_late_is_refused_on_the_spot_with_every_reason(suite: InProcessSuite, office: Office) -> None:
    _, settled, _ = await pay_twice(suite)
    suite.set_clock("2021-12-28 09:00")
    answer = await office.apply(settled, key="late")
    assert (answer.status_code, answer.json()["state"]) == (201, "refused")
    assert [(reason["code"], reason["rules"]) for reason in answer.json()["reasons"]] == [
        ("outside_window", ["S004-30", "S004-32"]),
        ("not_surplus", ["S004-29", "S004-31", "S004-33"]),
    ]
    again = await office.apply(settled, key="late")
    assert again.headers["Idempotency-Replayed"] == "true"
    assert again.json() == answer.json()
    assert await told(suite) == [("refund.decided", "refused")]
    assert (await office.summary())["refused"] == 1
    assert (await office.check(answer.json())).json()["code"] == "wrong_state"
    assert await suite.invariants_broken() == {}


@pytest.mark.rule("S004-29", "S004-30", "S004-33", "A004-12")
@pytest.mark.parametrize(
    ("now", "changes", "status", "state", "codes"),
    [
        ("2021-10-26 09:00", {}, 201, "requested", []),
        ("2021-12-25 23:59", {}, 201, "requested", []),
        ("2021-12-26 00:00", {}, 201, "refused", ["outside_window"]),
        ("2021-12-05 11:00", {"ground": "too_dear"}, 201, "refused", ["ground_not_allowed"]),
        ("2021-12-05 11:00", {"scheme": "nowhere-2022"}, 422, "scheme_differs", []),
        ("2021-12-05 11:00", {"collection_id": str(new_id())}, 404, "collection_unknown", []),
        ("2021-12-05 11:00", {"applicant": {}}, 422, "validation_failed", []),
    ],
)
async def test_asking_for_surplus_money(
    suite: InProcessSuite, office: Office, now: str, changes: Json, status: int, state: str, codes: list[str]
) -> None:
    _, _, surplus = await pay_twice(suite)
    suite.set_clock(now)
    answer = await office.apply(surplus, **changes)
    body = answer.json()
    assert (answer.status_code, body.get("state") or body["code"]) == (status, state)
    assert [reason["code"] for reason in body.get("reasons", [])] == codes


async def test_one_application_stands_for_a_collection(suite: InProcessSuite, office: Office) -> None:
    _, _, surplus = await pay_twice(suite)
    asked = await asyncio.gather(*[office.apply(surplus, by=f"asker-{n}") for n in range(5)])
    assert Tally(answer.status_code for answer in asked) == {201: 1, 409: 4}
    assert {answer.json()["code"] for answer in asked if answer.status_code == 409} == {"already_applied"}
    await follow(suite)
    [standing] = await office.list()
    assert standing["requested_by"] != "system"
    rejected = await office.check(standing, "rejected", note="缴费人要求撤回")
    assert rejected.json()["reasons"] == [{"code": "not_confirmed", "detail": "缴费人要求撤回", "rules": []}]
    assert (await office.apply(surplus)).status_code == 201
    assert await told(suite) == [("refund.decided", "rejected")]
    assert await suite.invariants_broken() == {}


async def test_following_anew_from_nothing_changes_nothing(suite: InProcessSuite, office: Office) -> None:
    counter, found = await found_by_itself(suite, office)
    [second_bill] = await issue_bills(suite, [FEN])
    await take(counter, second_bill)
    await take(counter, second_bill)
    await follow(suite)
    await office.pay(await office.approved(found), counter)
    await office.check((await office.list(state="requested"))[0], "rejected", note="另行处理")
    await follow(suite)
    before, events = await office.list(), await told(suite)
    async with suite.apps["refunds"].state.database.writing() as tx:
        await tx.execute("delete from follow_cursor")
    await follow(suite)
    assert (await office.list(), await told(suite)) == (before, events)
    assert await suite.invariants_broken() == {}


@pytest.mark.lesson("maker, checker, payer")
async def test_whoever_had_it_in_hand_is_told_so(suite: InProcessSuite, office: Office) -> None:
    counter, _, surplus = await pay_twice(suite)
    asked = (await office.apply(surplus, by="one")).json()
    refusal = (await office.check(asked, by="one")).json()
    assert (refusal["status"], refusal["code"]) == (409, "four_eyes")
    assert refusal["detail"] == "one 是本申请的申请受理人，不能再核验，须由他人办理"
    checked = (await office.check(asked, by="two")).json()
    assert (await office.decide(checked, by="one")).json()["code"] == "four_eyes"
    approved = (await office.decide(checked, by="two")).json()  # who decides may have checked
    assert approved["state"] == "approved"
    for hand in ("one", "two"):
        assert (await office.pay(approved, counter, by=hand)).json()["code"] == "four_eyes"
    assert (await office.pay(approved, counter)).json()["state"] == "paid"


@pytest.mark.parametrize("column", ["requested_by", "checked_by", "decided_by"])
async def test_the_table_refuses_what_the_code_would_let_through(
    suite: InProcessSuite, office: Office, column: str
) -> None:
    counter, found = await found_by_itself(suite, office)
    await office.pay(await office.approved(found), counter)
    with pytest.raises(IntegrityError, match="application_four_eyes"):
        async with suite.apps["refunds"].state.database.writing() as tx:
            await tx.execute(f"update application set {column} = paid_by")


async def test_steps_want_their_state_their_version_and_a_reason(suite: InProcessSuite, office: Office) -> None:
    counter, found = await found_by_itself(suite, office)
    assert (await office.decide(found)).json()["code"] == "wrong_state"
    assert (await office.pay(found, counter)).json()["code"] == "wrong_state"
    assert (await office.check(found, "rejected")).json()["code"] == "validation_failed"
    assert (await office.check(found | {"version": 9})).status_code == 412
    unmatched = await suite.client("refunds", "refunds:check", user="checker").post(
        f"/v1/applications/{found['application_id']}/check",
        json={"pool": POOL, "result": "confirmed"},
        headers={"Idempotency-Key": "k"},
    )
    assert unmatched.status_code == 428
    assert (await office.check(found | {"application_id": str(new_id())})).json()["code"] == "application_unknown"
    checked = (await office.check(found)).json()
    declined = (await office.decide(checked, "rejected", note="材料不齐")).json()
    assert (declined["state"], declined["reasons"][0]["code"]) == ("rejected", "not_approved")
    assert (await office.decide(declined)).json()["detail"] == "申请现为“不予退费”，不能审批同意"


async def test_money_paid_twice_after_the_window_is_found_but_cannot_be_confirmed(
    suite: InProcessSuite, office: Office
) -> None:
    suite.set_clock("2021-12-28 10:00")
    await pay_twice(suite, "2021-12-27")
    await follow(suite)
    [found] = await office.list()
    assert (found["state"], found["requested_on"]) == ("requested", "2021-12-27")
    refusal = (await office.check(found)).json()
    assert (refusal["code"], refusal["rules"]) == ("not_due", ["S004-30", "S004-32"])
    assert [error["code"] for error in refusal["errors"]] == ["outside_window"]
    assert (await office.check(found, "rejected", note="逾期缴费，另案处理")).json()["state"] == "rejected"


async def test_what_payments_refuses_is_approved_as_before_and_can_be_paid_anew(
    suite: InProcessSuite, office: Office
) -> None:
    counter, found = await found_by_itself(suite, office)
    approved = await office.approved(found)
    await counter.close(50000)
    refused = await office.pay(approved, counter, key="first")
    assert (refused.status_code, refused.json()["code"]) == (409, "payout_refused")
    assert "shift_closed" in refused.json()["detail"]
    again = await office.pay(approved, counter, key="first")
    assert again.headers["Idempotency-Replayed"] == "true"
    assert again.json() == refused.json()
    standing = await office.read(found)
    assert (standing["state"], standing["refund_id"], standing["paying_since"]) == ("approved", None, None)
    assert [(said["code"], said["paid_by"]) for said in standing["payout_refusals"]] == [("shift_closed", "clerk-wang")]
    other = await Counter.open(suite, clerk="clerk-li")
    assert (await office.pay(standing, other)).json()["state"] == "paid"
    assert await refunds_of(suite) == {"count": 1, "amount_fen": FEN}
    assert await suite.invariants_broken() == {}


@pytest.mark.lesson("database dies before the commit")
@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize("failure", [cut, die])
@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("rescue", ["retry", "recovery", "news"])
async def test_unknown_is_not_failed(
    suite: InProcessSuite, office: Office, line: Line, failure: Callable[[], None], when: str, rescue: str
) -> None:
    """The line is cut, or the process dies, before or after payments has paid: it is paid once, whoever helps."""
    counter, found = await found_by_itself(suite, office)
    approved = await office.approved(found)
    setattr(line, when, failure)
    unknown = await office.pay(approved, counter, key="payout")
    assert unknown.status_code == (503 if failure is cut else 500)
    standing = await office.read(found)
    assert (standing["state"], standing["paid_by"]) == ("paying", "clerk-wang")
    assert (await office.pay(standing, counter)).json()["code"] == "wrong_state"
    line.mend()
    if rescue == "recovery":
        assert await ask_again(suite)
    elif rescue == "news":
        await follow(suite)
    retried = await office.pay(approved, counter, key="payout")
    assert (retried.status_code, retried.json()["state"]) == (200, "paid")
    assert retried.json()["refund_id"] == standing["refund_id"]
    await follow(suite)
    assert not await ask_again(suite)
    assert (await office.pay(approved, counter, key="payout")).headers["Idempotency-Replayed"] == "true"
    assert await refunds_of(suite) == {"count": 1, "amount_fen": FEN}
    assert await told(suite) == CLOSED
    assert await suite.invariants_broken() == {}


@pytest.mark.usefixtures("impatient")
async def test_a_refusal_heard_by_several_is_kept_once(suite: InProcessSuite, office: Office, line: Line) -> None:
    counter, found = await found_by_itself(suite, office)
    approved = await office.approved(found)
    line.before = cut
    assert (await office.pay(approved, counter, key="payout")).status_code == 503
    line.mend()
    await counter.close(50000)
    recovery = asyncio.create_task(ask_again(suite))
    retried = await asyncio.gather(*[office.pay(approved, counter, key="payout") for _ in range(3)])
    assert await recovery
    retried.append(await office.pay(approved, counter, key="payout"))
    assert Tally(answer.json()["code"] for answer in retried)["payout_refused"] >= 1
    assert retried[-1].json()["code"] == "payout_refused"
    standing = await office.read(found)
    assert (standing["state"], len(standing["payout_refusals"])) == ("approved", 1)


@pytest.mark.usefixtures("impatient")
async def test_a_rejected_token_leaves_the_outcome_open(suite: InProcessSuite, office: Office, line: Line) -> None:
    """Payments has paid, then does not let us ask: a 4xx that is not about the payout says nothing about it."""

    async def published_keys() -> Json:
        return suite.issuer.jwks()

    counter, found = await found_by_itself(suite, office)
    approved = await office.approved(found)
    line.after = cut
    assert (await office.pay(approved, counter, key="payout")).status_code == 503
    payments = suite.apps["payments"].state
    trusting = payments.verifier
    payments.verifier = Verifier("https://another.issuer", published_keys)
    line.mend()
    assert (await office.pay(approved, counter, key="payout")).status_code == 503
    assert (await office.read(found))["state"] == "paying"
    payments.verifier = trusting
    assert (await office.pay(approved, counter, key="payout")).json()["state"] == "paid"
    assert await refunds_of(suite) == {"count": 1, "amount_fen": FEN}


async def test_two_workers_and_the_news_close_a_payout_once(suite: InProcessSuite, office: Office, line: Line) -> None:
    counter, found = await found_by_itself(suite, office)
    approved = await office.approved(found)
    line.after = cut
    assert (await office.pay(approved, counter, key="payout")).status_code == 503
    line.mend()
    second = suite.make_app("refunds")
    retries = [Office(suite, app).pay(approved, counter, key="payout") for app in (None, second) for _ in range(3)]
    recoveries = [ask_again(suite, app) for app in (None, second) for _ in range(3)]
    helped = asyncio.gather(*recoveries, follow(suite))
    answers = await asyncio.gather(*retries)
    await helped
    assert Tally(answer.json().get("state") or answer.json()["code"] for answer in answers)["paid"] >= 1
    assert (await office.read(found))["state"] == "paid"
    assert await told(suite) == CLOSED
    assert await refunds_of(suite) == {"count": 1, "amount_fen": FEN}
    assert await suite.invariants_broken() == {}
    await close_app(second)


async def test_two_cashiers_at_once_pay_once(suite: InProcessSuite, office: Office) -> None:
    counter, found = await found_by_itself(suite, office)
    approved = await office.approved(found)
    other = await Counter.open(suite, code="HALL02", clerk="clerk-li")
    answers = await asyncio.gather(*[office.pay(approved, desk) for desk in (counter, other) for _ in range(3)])
    assert Tally(answer.status_code for answer in answers) == {200: 1, 412: 5}
    assert await refunds_of(suite) == {"count": 1, "amount_fen": FEN}


async def test_a_key_belongs_to_one_application(suite: InProcessSuite, office: Office) -> None:
    counter, found = await found_by_itself(suite, office)
    [bill] = await issue_bills(suite, [FEN])
    await take(counter, bill)
    await take(counter, bill)
    await follow(suite)
    one, two = [await office.approved(application) for application in await office.list(state="requested")]
    assert (await office.pay(one, counter, key="same")).status_code == 200
    assert (await office.pay(two, counter, key="same")).json()["code"] == "idempotency_key_reused"
    assert await refunds_of(suite) == {"count": 1, "amount_fen": FEN}
    assert found["application_id"] in (one["application_id"], two["application_id"])


async def test_money_paid_back_past_this_service_is_never_passed_over(suite: InProcessSuite, office: Office) -> None:
    counter, found = await found_by_itself(suite, office)
    behind = await suite.client("payments", "payments:pay").post(
        "/v1/refunds",
        json={
            "pool": POOL,
            "refund_id": str(new_id()),
            "application_id": found["application_id"],
            "collection_id": found["collection_id"],
            "shift_id": counter.shift["shift_id"],
            "method": "cash",
            "amount_fen": FEN,
            "paid_to": "王小明",
            "paid_by": "clerk-wang",
        },
        headers={"Idempotency-Key": str(new_id())},
    )
    assert behind.status_code == 201
    await follow(suite)
    assert (await office.read(found))["state"] == "requested"
    assert [error["code"] for error in (await office.check(found)).json()["errors"]] == ["nothing_left"]
    broken = await suite.invariants_broken()
    assert [item["name"] for item in broken["refunds"]] == ["payout_was_asked_for"]


@pytest.mark.parametrize(
    ("edit", "finds"),
    [
        ("update application set amount_fen = amount_fen + 1", {"paid_application_was_closed_once"}),
        (
            (
                "update application set state = 'approved', paid_at = null, refund_id = null, shift_id = null, "
                "method = null, paid_by = null"
            ),
            {"closed_application_is_paid"},
        ),
        ("delete from event where type = 'refund.decided'", {"decision_was_told_once"}),
        (
            (
                "update application set state = 'paying', paid_at = null, asked_at = now(), "
                "paying_since = now() - interval '2 hours'"
            ),
            {"closed_application_is_paid", "payout_has_an_outcome"},
        ),
    ],
)
async def test_an_edit_behind_the_services_back_is_found(
    suite: InProcessSuite, office: Office, edit: str, finds: set[str]
) -> None:
    counter, found = await found_by_itself(suite, office)
    await office.pay(await office.approved(found), counter)
    async with suite.apps["refunds"].state.database.writing() as tx:
        await tx.execute("set local guards.off = 'on'")
        await tx.execute(edit)
    assert {item["name"] for item in (await suite.invariants_broken())["refunds"]} == finds


@pytest.mark.rule("A004-13")
async def test_a_village_sees_its_own_applications(suite: InProcessSuite, office: Office) -> None:
    _, found = await found_by_itself(suite, office)
    for area, seen in (("", 1), ("140522", 1), (found["region"], 1), ("140522108201", 0)):
        assert len(await office.list(area)) == seen, area
    elsewhere = suite.client("refunds", "refunds:read refunds:check", user="checker", area="140522108201")
    path = f"/v1/applications/{found['application_id']}"
    assert (await elsewhere.get(path, params={"pool": POOL})).json()["code"] == "area_forbidden"
    checked = await elsewhere.post(
        f"{path}/check",
        json={"pool": POOL, "result": "confirmed"},
        headers={"Idempotency-Key": "k", "If-Match": '"1"'},
    )
    assert checked.json()["code"] == "area_forbidden"


async def test_applications_come_in_pages_and_by_person(suite: InProcessSuite, office: Office) -> None:
    counter, found = await found_by_itself(suite, office)
    [bill] = await issue_bills(suite, [FEN])
    await take(counter, bill)
    await take(counter, bill)
    await follow(suite)
    client = suite.client("refunds", "refunds:read")
    first = (await client.get("/v1/applications", params={"pool": POOL, "limit": 1})).json()
    rest = (await client.get("/v1/applications", params={"pool": POOL, "limit": 1, "after": first["next"]})).json()
    assert [page["items"][0]["person_id"] for page in (first, rest)] == [found["person_id"], str(bill.person_id)]
    assert rest["next"] is None
    assert [item["bill_no"] for item in await office.list(person_id=str(bill.person_id))] == [bill.bill_no]
