"""Questions after one person's bills, asked together: each has the answer that it would have alone."""

import asyncio
from typing import Any

import httpx

from tests.payments_town import POOL, issue_bills
from tests.suite import InProcessSuite

OTHER_SCHEMES = ("yangcheng-2020", "yangcheng-2021")


async def test_questions_of_one_moment_keep_their_own_area_state_scheme_and_page(suite: InProcessSuite) -> None:
    issued = await issue_bills(suite, [32000, 0, 16000, 32000, 8000])
    person = issued[0].person_id
    database = suite.apps["payments"].state.database
    async with database.writing() as tx:  # three years of one person, the older ones paid
        await tx.execute("set local guards.off = 'on'")
        for bill, scheme in zip(issued[1:3], OTHER_SCHEMES, strict=True):
            await tx.execute(
                "update bill set person_id = :person_id, scheme = :scheme, status = 'paid', paid_on = '2020-12-01' "
                "where pool = :pool and bill_no = :bill_no",
                pool=POOL,
                bill_no=bill.bill_no,
                person_id=person,
                scheme=scheme,
            )
    numbers = sorted(bill.bill_no for bill in issued[:3])
    clerk = suite.client("payments", "payments:read")
    neighbour = suite.client("payments", "payments:read", area=f"{POOL}999")
    stranger = suite.client("payments", "payments:read", area="330000")

    async def ask(client: httpx.AsyncClient, **more: Any) -> httpx.Response:
        return await client.get("/v1/bills", params={"pool": POOL, "person_id": str(person), **more})

    answers = await asyncio.gather(
        ask(clerk),
        ask(clerk, status="open"),
        ask(clerk, status="paid"),
        ask(clerk, scheme=OTHER_SCHEMES[1]),
        ask(clerk, limit=2),
        ask(clerk, limit=2, after=numbers[1]),
        ask(clerk, person_id=str(issued[3].person_id)),
        ask(neighbour),
        ask(stranger),
    )
    found = [[item["bill_no"] for item in answer.json().get("items", [])] for answer in answers]
    paid = sorted(bill.bill_no for bill in issued[1:3])
    assert found[:4] == [numbers, [issued[0].bill_no], paid, [issued[2].bill_no]]
    assert (found[4], answers[4].json()["next"]) == (numbers[:2], numbers[1])
    assert (found[5], answers[5].json()["next"]) == (numbers[2:], None)
    assert found[6:] == [[issued[3].bill_no], [], []]
    assert [answer.status_code for answer in answers] == [200] * 8 + [403]
    alone = [item["bill_no"] for item in (await ask(clerk)).json()["items"]]
    assert alone == numbers
