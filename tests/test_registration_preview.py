"""The preview of an assessment as outsiders hold on to it: the contract's words, one by one."""

import copy
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.registration_town import OFFICER, PACKAGE, keyed, publish_package
from tests.suite import InProcessSuite

EXAMPLE: dict[str, Any] = {
    "scheme": "yangcheng-2022",
    "person": {
        "birth_date": "1950-03-01",
        "sex": "female",
        "hukou": "140522108",
        "hukou_since": None,
        "residence": "140522108",
        "residence_permit": False,
        "former_scheme": None,
    },
    "statuses": [
        {"code": "dibao", "identified_on": "2021-08-01"},
        {"code": "disabled", "grade": 2, "identified_on": "2019-01-01"},
    ],
    "enrolment": "renewal",
    "registered_at": "2021-12-20T09:00:00+08:00",
    "paid_at": "2021-12-20T10:00:00+08:00",
}
LEAST: dict[str, Any] = {
    "scheme": "yangcheng-2022",
    "person": {"birth_date": "1980-02-03", "hukou": "140522", "residence": "140522108200"},
    "enrolment": "new",
    "registered_at": "2021-10-12T09:00:00+08:00",
}


@pytest.fixture
async def suite(databases: dict[str, str], tmp_path: Path) -> AsyncIterator[InProcessSuite]:
    running = InProcessSuite(databases, tmp_path / "keys", only=("registration",))
    await publish_package(running)
    yield running
    await running.close()


@pytest.fixture
def client(suite: InProcessSuite) -> httpx.AsyncClient:
    return suite.client("registration", "registration:read")


async def ask(client: httpx.AsyncClient, body: dict[str, Any]) -> dict[str, Any]:
    answer = await client.post("/v1/assessments/preview", json=body)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def test_the_contracts_example(client: httpx.AsyncClient):
    answer = await ask(client, EXAMPLE)
    assert answer.pop("version").startswith("sha256:")
    assert answer == {
        "decision": "accepted",
        "scheme": "yangcheng-2022",
        "reasons": [],
        "standard_fen": 32000,
        "payable_fen": 0,
        "lines": [
            {
                "payer": "original_channel",
                "amount_fen": 32000,
                "status": "disabled",
                "rules": ["S004-16", "S004-18"],
            }
        ],
        "cover": {"from": "2022-01-01", "to": "2022-12-31"},
        "not_applied": [{"status": "dibao", "amount_fen": 28000, "reason": "one_subsidy_only", "rules": ["S004-18"]}],
        "rules": ["S004-09", "S004-16", "S004-18"],
    }


async def test_a_refusal_has_the_same_keys(client: httpx.AsyncClient):
    accepted = await ask(client, EXAMPLE)
    refused = await ask(client, {**EXAMPLE, "paid_at": "2021-09-26T10:00:00+08:00"})
    assert accepted.keys() == refused.keys()
    [reason] = refused.pop("reasons")
    assert (reason["code"], reason["rules"]) == ("closed_day", ["S004-07"])
    assert refused == {
        "decision": "refused",
        "scheme": "yangcheng-2022",
        "version": accepted["version"],
        "standard_fen": None,
        "payable_fen": None,
        "lines": [],
        "cover": None,
        "not_applied": [],
        "rules": ["S004-07"],
    }


INSTANTS: list[tuple[str, list[str]]] = [
    ("2021-08-31T23:59:59+08:00", ["outside_window"]),
    ("2021-09-01T00:00:00+08:00", []),
    ("2021-08-31T15:59:59Z", ["outside_window"]),
    ("2021-08-31T16:00:00Z", []),
    ("2021-09-25T23:59:59+08:00", []),
    ("2021-09-25T23:59:59.999999+08:00", []),
    ("2021-09-26T00:00:00+08:00", ["closed_day"]),
    ("2021-09-25T15:59:59Z", []),
    ("2021-09-25T16:00:00+00:00", ["closed_day"]),
    ("2021-09-30T12:00:00-04:00", []),
    ("2021-12-25T23:59:59+08:00", []),
    ("2021-12-26T00:00:00+08:00", ["outside_window"]),
    ("2021-12-25T15:59:59Z", []),
    ("2021-12-25T16:00:00Z", ["outside_window"]),
]


async def test_days_are_days_in_shanghai(client: httpx.AsyncClient):
    for instant, expected in INSTANTS:
        for case in ({"paid_at": instant}, {"registered_at": instant}):
            answer = await ask(client, {**LEAST, **case})
            assert [reason["code"] for reason in answer["reasons"]] == expected, case


async def test_everything_optional_may_be_absent_or_null(client: httpx.AsyncClient):
    absent = await ask(client, LEAST)
    optional = "sex hukou_since residence_permit former_scheme missed_years repaired_years hukou_kind"
    person = {**LEAST["person"], **dict.fromkeys(f"{optional} child_hukou_here pension_elsewhere".split())}
    empty = {"person": person, "statuses": None, "documents": None, "paid_at": None}
    assert await ask(client, {**LEAST, **empty}) == absent
    assert absent["payable_fen"] == 32000


async def test_an_unknown_scheme_is_an_answer(client: httpx.AsyncClient, suite: InProcessSuite):
    answer = await ask(client, {**LEAST, "scheme": "atlantis-2022"})
    assert (answer["decision"], answer["version"]) == ("refused", None)
    assert [reason["code"] for reason in answer["reasons"]] == ["unknown_scheme"]
    draft = PACKAGE.decode().replace("yangcheng-2022", "draft-2021")
    draft = draft.replace("benefit_year: 2022", "benefit_year: 2021").replace("2022-12-31", "2021-12-31")
    draft = draft.replace("from: 2022-01-01", "from: 2021-01-01")
    officer = suite.client("registration", OFFICER)
    made = await officer.post("/v1/packages", content=draft.encode(), headers=keyed(file=True))
    assert made.status_code == 201, made.text
    answer = await ask(client, {**LEAST, "scheme": "draft-2021"})
    assert [reason["code"] for reason in answer["reasons"]] == ["unknown_scheme"]


MALFORMED: list[tuple[list[str | int], Any, str]] = [
    (["colour"], "red", "/colour"),
    (["person", "colour"], "red", "/person/colour"),
    (["statuses", 0, "colour"], "red", "/statuses/0/colour"),
    (["statuses", 0, "code"], "rich", "/statuses/0/code"),
    (["statuses", 1, "grade"], None, "/statuses/1/grade"),
    (["statuses", 1, "grade"], 5, "/statuses/1/grade"),
    (["statuses", 1, "grade"], "2", "/statuses/1/grade"),
    (["statuses", 1, "grade"], 2.0, "/statuses/1/grade"),
    (["statuses", 0, "identified_on"], "2021-02-30", "/statuses/0/identified_on"),
    (["statuses", 0, "identified_on"], 1627776000, "/statuses/0/identified_on"),
    (["person", "hukou"], "1405", "/person/hukou"),
    (["person", "hukou"], 140522108, "/person/hukou"),
    (["person", "residence"], "14052210820", "/person/residence"),
    (["person", "residence"], None, "/person/residence"),
    (["person", "birth_date"], "1950-3-1", "/person/birth_date"),
    (["person", "birth_date"], "1950-03-01T00:00:00", "/person/birth_date"),
    (["person", "sex"], "f", "/person/sex"),
    (["person", "residence_permit"], "no", "/person/residence_permit"),
    (["person", "residence_permit"], 0, "/person/residence_permit"),
    (["person", "missed_years"], -1, "/person/missed_years"),
    (["person", "former_scheme"], "rural", "/person/former_scheme"),
    (["registered_at"], "2021-12-20T09:00:00", "/registered_at"),
    (["registered_at"], "2021-12-20", "/registered_at"),
    (["registered_at"], 1639962000, "/registered_at"),
    (["registered_at"], None, "/registered_at"),
    (["registered_at"], "0001-01-01T00:00:00+14:00", "/registered_at"),
    (["paid_at"], "9999-12-31T23:59:59Z", "/paid_at"),
    (["paid_at"], "2021-13-20T09:00:00+08:00", "/paid_at"),
    (["enrolment"], "transfer", "/enrolment"),
    (["statuses"], [{"code": "residence_permit"}], "/statuses/0/code"),
    (["documents"], ["passport"], "/documents/0"),
    (["documents"], "id_card", "/documents"),
    (["scheme"], 4, "/scheme"),
]


async def test_a_malformed_request_names_the_field(client: httpx.AsyncClient):
    for path, value, pointer in MALFORMED:
        body: Any = copy.deepcopy(EXAMPLE)
        place = body
        for step in path[:-1]:
            place = place[step]
        place[path[-1]] = value
        answer = await client.post("/v1/assessments/preview", json=body, headers={"Accept-Language": "en"})
        assert answer.status_code == 422, (path, value)
        assert answer.headers["content-type"] == "application/problem+json"
        assert [error["pointer"] for error in answer.json()["errors"]] == [pointer], (path, value)
        assert all(error["detail"].isascii() for error in answer.json()["errors"]), (path, value)


async def test_every_fault_is_named_at_once(client: httpx.AsyncClient):
    answer = await client.post(
        "/v1/assessments/preview", json={"person": {"hukou": "x"}, "statuses": [{"code": "disabled"}]}
    )
    pointers = {error["pointer"] for error in answer.json()["errors"]}
    person = {"/person/birth_date", "/person/hukou", "/person/residence"}
    assert pointers == {"/scheme", "/enrolment", "/registered_at", "/statuses/0/grade"} | person


async def test_it_needs_a_token_and_no_key(suite: InProcessSuite):
    assert (await suite.client("registration").post("/v1/assessments/preview", json=LEAST)).status_code == 401
    other = suite.client("registration", "payments:read registration:write")
    answer = await other.post("/v1/assessments/preview", json=LEAST)
    assert (answer.status_code, answer.json()["code"]) == (403, "scope_missing")
