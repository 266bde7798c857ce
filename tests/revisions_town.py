"""A town with all four services: lists that come after people have enrolled or paid, money that goes back."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

import httpx

from shared.ids import new_id
from tests.payments_town import POOL, Counter, IssuedBill
from tests.registration_town import (
    OFFICER,
    SCHEME,
    Villager,
    found_town,
    hand_in,
    hand_in_feed,
    keyed,
    number,
    roster_file,
)
from tests.suite import InProcessSuite

Json = dict[str, Any]
AID = ["姓名", "身份证号", "救助类别", "认定日期", "终止日期"]
EMPLOYED = ["姓名", "身份证号", "参保单位", "参保起始日期", "参保终止日期"]
POLICE = ["姓名", "身份证号", "户籍地代码", "变动类型", "变动日期"]
STANDARD = 32000


@dataclass
class Resident:
    """Somebody of the roster."""

    number: str
    person_id: str


class Town:
    """The town, its people and its clerks; `order` 1, 2, 3 … names the people of the roster."""

    def __init__(self, suite: InProcessSuite) -> None:
        self.suite = suite
        self.people: dict[int, Resident] = {}
        self._counter: Counter | None = None

    @classmethod
    async def enrolled(cls, suite: InProcessSuite, heads: int = 1, day: str = "2021-09-03 09:00") -> "Town":
        """A published package and a village whose people are enrolled and have their bills."""
        town = cls(suite)
        suite.set_clock("2021-08-16 09:00")
        await found_town(suite)
        suite.set_clock(day)
        numbers = [number(order) for order in range(1, heads + 1)]
        await hand_in(suite.client("registration", OFFICER), roster_file([Villager(one) for one in numbers]))
        await suite.settle_down()
        found = await town.items("registration", "enrolments", limit=1000)
        for order, (one, enrolment) in enumerate(zip(numbers, found, strict=True), start=1):
            town.people[order] = Resident(one, enrolment["person_id"])
        return town

    async def get(self, service: str, path: str, **params: Any) -> Json:
        """One answer of a service."""
        client = self.suite.client(service, f"{service}:read")
        answer = await client.get(f"/v1/{path}", params={"pool": POOL, **params})
        answer.raise_for_status()
        found: Json = answer.json()
        return found

    async def items(self, service: str, path: str, order: int | None = None, **params: Any) -> list[Json]:
        """A list of a service, of one person where `order` is given."""
        person = {"person_id": self.people[order].person_id} if order else {}
        found: list[Json] = (await self.get(service, path, **person, **params))["items"]
        return found

    async def events(self, service: str, kind: str) -> list[Json]:
        """The bodies of a service's events of one kind."""
        return [event["data"] for event in await self.items(service, "events", limit=1000) if event["type"] == kind]

    # Lists of departments

    async def aid(self, order: int, word: str = "低保", since: str = "2021-03-01", until: str = "") -> None:
        """Civil affairs hands over a list with one person on it, and everybody hears of it."""
        await hand_in_feed(self.suite, "civil_affairs", AID, ["张三", self.people[order].number, word, since, until])

    async def employed(self, order: int, since: str, until: str = "") -> None:
        """The employee scheme hands over a list with one person on it."""
        row = ["张三", self.people[order].number, "县医院", since, until]
        await hand_in_feed(self.suite, "employee_insurance", EMPLOYED, row)

    async def died(self, order: int, day: str) -> None:
        """Public security tells of a death."""
        row = ["张三", self.people[order].number, "140522108200", "死亡", day]
        await hand_in_feed(self.suite, "public_security", POLICE, row)

    # Money

    async def counter(self) -> Counter:
        """A clerk with an open shift."""
        if self._counter is None:
            self._counter = await Counter.open(self.suite)
        return self._counter

    async def bill(self, order: int, status: str | None = None) -> Json:
        """The bill that stands for a person; None of several is an error."""
        wanted = [status] if status else ["open", "paid"]
        [found] = [bill for bill in await self.items("payments", "bills", order) if bill["status"] in wanted]
        return found

    async def take(self, bill: Json, *, amount_fen: int | None = None, pos: str | None = None) -> Json:
        """Take money for a bill, in cash or by POS; the item as answered."""
        asked = IssuedBill(bill["bill_no"], UUID(bill["person_id"]), bill["amount_fen"])
        answer = await (await self.counter()).take([asked], amount_fen=amount_fen, pos=pos)
        assert answer.status_code == 201, answer.text
        item: Json = answer.json()["items"][0]
        return item

    async def paid(self, order: int) -> Json:
        """Have a person's open bill paid in cash, and everybody hear of it; the collection."""
        item = await self.take(await self.bill(order))
        assert item["outcome"] == "settled", item
        await self.suite.settle_down()
        return await self.collection(item["collection_id"])

    async def collection(self, collection_id: str) -> Json:
        """A collection as it stands."""
        return await self.get("payments", f"collections/{collection_id}")

    async def funds(self) -> Json:
        """The funds, with what was refunded and voided."""
        found = await self.get("payments", "summary")
        return {**found["funds"], "refunded_fen": found["refunds"]["amount_fen"], **found["receipts"]}

    # Refunds

    async def application(self, **params: Any) -> Json:
        """The one application there is."""
        [found] = await self.items("refunds", "applications", **params)
        return found

    async def step(self, application: Json, step: str, by: str, body: Json, scope: str = "") -> httpx.Response:
        """One step of somebody's."""
        client = self.suite.client("refunds", f"refunds:{scope or step}", user=by)
        headers = {"Idempotency-Key": str(new_id()), "If-Match": f'"{application["version"]}"'}
        path = f"/v1/applications/{application['application_id']}/{step}"
        return await client.post(path, json={"pool": POOL, **body}, headers=headers)

    async def approve(self, application: Json, note: str | None = None) -> Json:
        """Check and decide by two people."""
        said = {"note": note} if note else {}
        checked = await self.step(application, "check", "checker", {"result": "confirmed", **said})
        assert checked.status_code == 200, checked.text
        decided = await self.step(checked.json(), "decide", "decider", {"result": "approved", **said}, "approve")
        assert decided.status_code == 200, decided.text
        found: Json = decided.json()
        return found

    async def pay_back(self, application: Json, method: str = "cash", *, by: str = "") -> httpx.Response:
        """Pay an approved application, at the counter or through a channel."""
        counter = await self.counter()
        body: Json = {"method": method}
        if method in ("cash", "pos_return"):
            body["shift_id"] = counter.shift["shift_id"]
        return await self.step(application, "pay", by or counter.shift["clerk"], body)

    async def refund(self, application: Json, note: str | None = None) -> Json:
        """An application from its check to the money."""
        paid = await self.pay_back(await self.approve(application, note))
        assert (paid.status_code, paid.json()["state"]) == (200, "paid"), paid.text
        await self.suite.settle_down()
        found: Json = paid.json()
        return found

    async def decide_case(self, case: Json, result: str = "approved", note: str = "花名在期内认定，报送延误") -> Json:
        """Somebody decides a status case."""
        client = self.suite.client("registration", OFFICER, user="head-chen")
        path, body = f"/v1/status-cases/{case['case_id']}/decide", {"pool": POOL, "result": result, "note": note}
        answer = await client.post(path, json=body, headers=keyed() | {"If-Match": f'"{case["version"]}"'})
        await self.suite.settle_down()
        return {**answer.json(), "http": answer.status_code}

    async def in_order(self) -> None:
        """Every invariant holds, the books balance, and money, heads, roster and receipts agree."""
        assert await self.suite.invariants_broken() == {}
        assert (await self.funds())["ledger_sum_fen"] == 0
        client = self.suite.client("payments", "payments:read")
        found = (await client.get("/v1/four-way", params={"pool": POOL, "scheme": SCHEME})).json()
        assert {name: found[name] for name in ("money", "heads", "roster", "receipts")} == dict.fromkeys(
            ("money", "heads", "roster", "receipts"), True
        ), found
