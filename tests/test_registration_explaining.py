"""An assessment explained: the preview's answer, what applied and what did not, in the words of the notice."""

import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from services.registration.schemas.explanation import ExplainedAnswer
from services.registration.schemas.preview import PreviewRequest
from services.registration.usecases.explaining import explained
from services.registration.usecases.preview import preview
from tests.registration_rules import SCHEMES
from tests.registration_town import AGENCY, OFFICER, PACKAGE, POOL, SCHEME, VILLAGE, found_town, keyed, number
from tests.rules.cases import cases, package
from tests.suite import InProcessSuite

SUBJECTS = ["admission", "window", "rate", "help", "papers", "wait", "cover", "result"]
CHINESE = re.compile(r"[\u4e00-\u9fff]")

# The example of the contract: two statuses, one subsidy.
ASKED: dict[str, Any] = {
    "scheme": SCHEME,
    "person": {"birth_date": "1950-03-01", "hukou": "140522108", "residence": "140522108"},
    "statuses": [
        {"code": "dibao", "identified_on": "2021-08-01"},
        {"code": "disabled", "grade": 2, "identified_on": "2019-01-01"},
    ],
    "enrolment": "renewal",
    "registered_at": "2021-12-20T09:00:00+08:00",
    "paid_at": "2021-12-20T10:00:00+08:00",
}


def ask(**changes: Any) -> dict[str, Any]:
    asked = PreviewRequest.model_validate({**ASKED, **changes})
    answer = explained(SCHEMES.get(asked.scheme), asked)
    return ExplainedAnswer.model_validate(answer, from_attributes=True).model_dump(mode="json", by_alias=True)


def steps_of(answer: dict[str, Any], subject: str) -> list[tuple[str, str]]:
    return [(step["outcome"], step["zh"]) for step in answer["explanation"] if step["subject"] == subject]


def test_one_subsidy_of_two_is_explained_with_both_sentences():
    answer = ask()
    assert steps_of(answer, "help")[:2] == [
        ("applied", "残疾人：原资助渠道资助320元"),
        ("not_applied", "低保对象：只能享受一种资助，单独可资助280元"),
    ]
    assert steps_of(answer, "rate") == [("applied", "个人缴费标准320元")]
    assert steps_of(answer, "cover") == [("applied", "待遇自2022-01-01至2022-12-31")]
    assert steps_of(answer, "result") == [("applied", "个人应缴0元（共320元）")]
    [left] = [step for step in answer["explanation"] if step["status"] == "dibao"]
    assert (left["amount_fen"], left["en"]) == (
        28000,
        "Dibao recipient: only one subsidy is given; alone it would give CNY 280",
    )
    rules = {rule["id"]: rule for rule in left["rules"]}
    assert list(rules) == ["S004-14", "S004-15", "S004-18"]
    assert rules["S004-14"]["quote"] == "低保对象按个人缴费标准 80%的比例给予定额资助(低于280元按280元资助)"
    assert rules["S004-18"]["zh"] == "多重身份只享受一种资助"
    assert rules["S004-18"]["en"] == "With several statuses there is one subsidy only."


def test_every_reason_of_a_refusal_is_a_step():
    answer = ask(registered_at="2021-09-28T09:00:00+08:00", paid_at=None, statuses=[{"code": "employee_insured"}])
    refused = [(step["subject"], step["outcome"]) for step in answer["explanation"] if step["outcome"] == "refused"]
    assert refused == [("admission", "refused"), ("window", "refused")]
    assert steps_of(answer, "result") == []
    assert ask(scheme="atlantis-2022")["explanation"] == []


def test_a_wait_and_a_late_stage_are_explained():
    person = {"birth_date": "1980-01-01", "hukou": "999002", "residence": "999002", "missed_years": 3}
    waiting = ask(
        scheme="national-2026", person=person, statuses=[], paid_at=None, registered_at="2025-10-01T09:00:00Z"
    )
    assert steps_of(waiting, "wait") == [("applied", "缴费后等待6个月")]
    late = ask(
        scheme="lanshan-2016",
        person={"birth_date": "1980-01-01", "hukou": "371302", "residence": "371302"},
        statuses=[],
        registered_at="2016-04-01T09:00:00+08:00",
        paid_at=None,
        documents=["id_card", "hukou_booklet"],
    )
    assert steps_of(late, "window") == [("applied", "2016-04-01缴费，属于逾期缴费")]
    assert steps_of(late, "rate") == [("applied", "个人缴费标准150元，另须缴纳财政补助部分410元，共560元")]
    assert steps_of(late, "papers") == [("applied", "材料齐全")]
    assert "S002-22" in [
        rule["id"] for step in late["explanation"] if step["subject"] == "cover" for rule in step["rules"]
    ]


def test_an_explanation_leaves_nothing_of_the_answer_out():
    """For every case of the notices: the preview's own answer, every rule told, every amount, in both languages."""
    for case in cases():
        scheme = package(case.scheme, case.overlay)
        asked = PreviewRequest.model_validate(case.request)
        body = explained(scheme, asked)
        answer = ExplainedAnswer.model_validate(body, from_attributes=True).model_dump(mode="json", by_alias=True)
        steps = answer.pop("explanation")
        assert answer == preview({case.scheme: scheme}, case.request), case.name
        assert [step["subject"] for step in steps] == sorted((step["subject"] for step in steps), key=SUBJECTS.index)
        told = {rule["id"]: rule for step in steps for rule in step["rules"]}
        assert set(answer["rules"]) <= set(told), case.name
        assert [rule for rule in told.values() if not (rule["zh"] and rule["en"])] == [], case.name
        for step in steps:
            assert CHINESE.search(step["zh"]), case.name
            assert not CHINESE.search(step["en"]), (case.name, step["en"])
        refused = [step for step in steps if step["outcome"] == "refused"]
        assert len(refused) == len(answer["reasons"]), case.name
        shown = [(step["payer"], step["amount_fen"]) for step in steps if step["outcome"] == "applied"]
        assert all((line["payer"], line["amount_fen"]) in shown for line in answer["lines"]), case.name


def test_every_package_carries_its_notice():
    sentences = {scheme: one.sentences for scheme, one in SCHEMES.items()}
    assert sum(len(said) for scheme, said in sentences.items() if scheme != "national-2026") == 208
    for scheme, said in sentences.items():
        assert all(CHINESE.search(one.zh) for one in said.values()), scheme
        if scheme != "national-2026":  # of the national rules some official texts are not at hand
            assert all(one.quote for one in said.values()), scheme


@pytest.fixture
async def suite(databases: dict[str, str], tmp_path: Path) -> AsyncIterator[InProcessSuite]:
    running = InProcessSuite(databases, tmp_path / "keys", only=("eligibility", "registration"))
    running.apps["registration"].state.jobs[1:] = []  # payments is not here to be followed
    running.set_clock("2021-08-16 09:00")
    await found_town(running)
    running.set_clock("2021-09-01 09:00")
    yield running
    await running.close()


async def test_over_the_api(suite: InProcessSuite):
    client = suite.client("registration", OFFICER)
    answer = await client.post("/v1/assessments/explain", json=ASKED)
    assert answer.status_code == 200
    body = answer.json()
    assert body.pop("explanation")[0]["subject"] == "admission"
    assert body == (await client.post("/v1/assessments/preview", json=ASKED)).json()
    malformed = await client.post("/v1/assessments/explain", json={**ASKED, "colour": "red"})
    assert (malformed.status_code, malformed.json()["errors"][0]["pointer"]) == (422, "/colour")
    await _issued_assessments_are_explained(client)
    await _the_language_is_served(client, suite)
    await _faults_have_their_place(client)


async def _issued_assessments_are_explained(client: httpx.AsyncClient) -> None:
    person = {"name": "张三", "document": {"type": "resident_id", "number": number(1)}}
    asked = {"pool": POOL, "scheme": SCHEME, "unit_code": AGENCY, "enrolment": "new"}
    person |= {"hukou": VILLAGE, "residence": VILLAGE}
    made = await client.post("/v1/enrolments", json={**asked, "person": person}, headers=keyed())
    issued = made.json()["assessment"]
    path = f"/v1/assessments/{issued['assessment_id']}/explanation"
    found = (await client.get(path, params={"pool": POOL})).json()
    assert (found["package"], found["assessed_for"]) == (issued["package"], issued["assessed_for"])
    assert steps_of(found, "result") == [("applied", "个人应缴320元（共320元）")]
    told = {rule["id"]: rule["quote"] for step in found["explanation"] for rule in step["rules"]}
    assert set(issued["rules"]) <= set(told)
    assert "每人320" in told["S004-09"]
    unknown = await client.get(f"/v1/assessments/{issued['enrolment_id']}/explanation", params={"pool": POOL})
    assert (unknown.status_code, unknown.json()["code"]) == (404, "assessment_unknown")


async def _the_language_is_served(client: httpx.AsyncClient, suite: InProcessSuite) -> None:
    answer = await client.get("/v1/package-language")
    assert answer.headers["content-type"] == "application/schema+json"
    assert answer.json()["properties"]["premiums"]["title"] == "费率"
    stranger = suite.client("registration", "payments:read")
    assert (await stranger.get("/v1/package-language")).json()["code"] == "scope_missing"


async def _faults_have_their_place(client: httpx.AsyncClient) -> None:
    broken = PACKAGE.replace(b"individual_fen: 32000", b"individul_fen: 32000")
    line = broken[: broken.index(b"individul_fen")].count(b"\n") + 1
    for language, said in (("zh", "是否应为 individual_fen？"), ("en", "did you mean individual_fen?")):
        headers = {**keyed(file=True), "Accept-Language": language}
        answer = await client.post("/v1/packages", content=broken, headers=headers)
        [fault] = answer.json()["errors"]
        assert (answer.status_code, fault["line"], fault["column"]) == (422, line, 5)
        assert said in fault["detail"]
