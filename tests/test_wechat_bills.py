"""Bills that payments fetches from WeChat Pay by itself, and what becomes of them."""

from collections.abc import AsyncIterator
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deploy.local.simulators.wechat_wire import Keys, settings_of
from services.payments import usecases
from services.payments.rules.channel_files import MOST_DAYS, due_days
from shared import evidence
from shared.clock import SHANGHAI
from tests.payments_town import POOL, issue_bills
from tests.suite import close_app
from tests.wechat_town import WechatTown

DAY = date(2021, 12, 5)


@pytest.fixture(scope="module")
def wechat_keys(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wechat-keys")
    Keys(folder)
    return folder


@pytest.fixture
async def town(
    databases: dict[str, str], tmp_path: Path, wechat_keys: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[WechatTown]:
    running = WechatTown.build(databases, tmp_path / "keys", wechat_keys, monkeypatch)
    more: dict[str, Any] = {"bill_time": "10:00", "pause_seconds": 0, "account_pool": POOL}
    wanted = settings_of(wechat_keys, address="http://wechat", notify="http://payments", **more)
    monkeypatch.setenv("PAYMENTS_WECHAT", wanted)
    await close_app(running.suite.apps["payments"])
    running.suite.apps["payments"] = running.suite.make_app("payments")
    yield running
    assert await running.suite.invariants_broken() == {}
    await running.suite.close()


async def paid(town: WechatTown, *amounts: int) -> None:
    """Orders that were paid."""
    for issued in await issue_bills(town.suite, list(amounts)):
        await town.pay(await town.ordered(issued))


async def fetch(town: WechatTown) -> None:
    """Fetch what is due, until there is nothing left that can be."""
    while await usecases.fetch_wechat_bills(town.service):
        pass
    while await usecases.take_statements(town.service):
        pass


async def again(town: WechatTown) -> None:
    """It is time to ask again for every file."""
    async with town.service.database.writing() as tx:
        await tx.execute("update channel_file set ask_at = now() - interval '1 second' where state = 'wanted'")
    await fetch(town)


async def files(town: WechatTown, kind: str = "trade") -> list[tuple[str, str, str | None]]:
    """What became of each day's file."""
    rows = await town.rows("select day, state, said from channel_file where kind = :kind order by day", kind=kind)
    return [(row["day"].isoformat(), row["state"], row["said"]) for row in rows]


async def statements(town: WechatTown) -> list[tuple[str, str, str, str, int | None]]:
    rows = await town.rows(
        "select pool, day, state, received_by, told_fen from statement where channel = 'wechat' "
        "order by pool, day, file_version"
    )
    return [(row["pool"], row["day"].isoformat(), row["state"], row["received_by"], row["told_fen"]) for row in rows]


async def test_the_bills_of_a_day_are_fetched_the_next_morning_and_the_money_is_cleared(town: WechatTown) -> None:
    await paid(town, 32000, 28000)
    town.suite.set_clock("2021-12-06 09:59:59")
    await fetch(town)
    assert await files(town) == []
    town.suite.set_clock("2021-12-06 10:00:00")
    await fetch(town)
    assert await files(town) == [("2021-12-05", "taken", None)]
    assert await statements(town) == [(POOL, "2021-12-05", "accepted", "fetched", 60000)]
    while await usecases.look_over_statements(town.service):
        pass
    accounts = (await town.client().get("/v1/accounts", params={"pool": POOL})).json()["items"]
    balances = {item["account"]: item["balance_fen"] for item in accounts}
    assert (balances.get("held/wechat", 0), balances["special_account"]) == (0, 60000)
    await fetch(town)
    assert len(await statements(town)) == 1


async def test_the_fund_flow_is_kept_as_it_came_and_is_a_statement_of_its_pool(town: WechatTown) -> None:
    await paid(town, 32000)
    await town.control("withdrawals")
    town.suite.set_clock("2021-12-06 10:00:00")
    await fetch(town)
    [row] = await town.rows("select * from channel_file where kind = 'fund_flow_basic' and state = 'taken'")
    async with town.service.database.reading() as tx:
        data = await evidence.load(tx, town.service.sealer, row["pool"], row["evidence_id"])
    assert data == town.hall.books.fund_flow(DAY, [])
    [statement] = await town.rows("select pool, institution, layout, state from statement where channel = 'account'")
    assert statement == {"pool": POOL, "institution": "wechat", "layout": "wechat_fund_flow", "state": "accepted"}


async def test_a_bill_that_is_being_made_is_asked_for_every_half_hour_until_it_is_there(town: WechatTown) -> None:
    await paid(town, 32000)
    town.suite.set_clock("2021-12-06 10:00:00")
    await town.control("faults", bill="creating")
    await fetch(town)
    assert await files(town) == [("2021-12-05", "wanted", "STATEMENTCREATING")]
    [pause] = await town.rows("select ask_at - now() as pause from channel_file where kind = 'trade'")
    assert timedelta(minutes=29) < pause["pause"] <= timedelta(minutes=30)
    asked = len(town.line.calls)
    await fetch(town)  # not yet
    assert len(town.line.calls) == asked
    await town.control("faults")
    await again(town)
    assert await files(town) == [("2021-12-05", "taken", None)]


@pytest.mark.parametrize("trouble", ["wrong_hash", "no answer", "system_error"])
async def test_what_is_not_the_announced_bill_is_not_taken_and_asked_for_again(town: WechatTown, trouble: str) -> None:
    await paid(town, 32000)
    town.suite.set_clock("2021-12-06 10:00:00")
    if trouble == "no answer":
        town.line.cut("bill")
    else:
        await town.control("faults", **({"bill": "wrong_hash"} if trouble == "wrong_hash" else {"system_error": 99}))
    await fetch(town)
    [(_, state, said)] = await files(town)
    assert state == "wanted"
    assert said
    assert await statements(town) == []
    town.line.mend()
    await town.control("faults")
    await again(town)
    assert await files(town) == [("2021-12-05", "taken", None)]


async def test_a_file_that_stays_away_is_an_alarm_after_three_days(town: WechatTown) -> None:
    await paid(town, 32000)
    town.suite.set_clock("2021-12-06 10:00:00")
    await town.control("faults", bill="creating")
    await fetch(town)

    async def alarms() -> set[str]:
        answer = await town.client("payments:read").get("/v1/alarms")
        return {finding["name"] for finding in answer.json()["items"] if finding["found"]}

    assert "channel_file_is_there" not in await alarms()
    town.suite.set_clock("2021-12-09 10:00:00")
    assert "channel_file_is_there" in await alarms()
    town.suite.set_clock("2021-12-06 10:00:00")
    await town.control("faults")
    await again(town)


async def test_days_on_which_nothing_ran_are_made_up_for(town: WechatTown) -> None:
    await paid(town, 32000)
    town.suite.set_clock("2021-12-09 11:00:00")
    await fetch(town)
    states = {day: state for day, state, _ in await files(town)}
    assert states == {"2021-12-05": "taken", "2021-12-06": "empty", "2021-12-07": "empty", "2021-12-08": "empty"}
    assert set(await files(town, "fund_flow_basic")) == set(await files(town))


async def test_whoever_dies_while_fetching_has_done_nothing_and_two_workers_take_it_once(town: WechatTown) -> None:
    await paid(town, 32000)
    town.suite.set_clock("2021-12-06 10:00:00")
    town.line.kill("bill")
    with pytest.raises(RuntimeError, match="killed"):
        await fetch(town)
    assert [state for _, state, _ in await files(town)] == ["wanted"]
    town.line.mend()
    async with town.service.database.writing() as tx:
        await tx.execute("update channel_file set ask_at = now() - interval '1 second'")
    other = town.suite.make_app("payments")
    service: usecases.Payments = other.state.service

    async def overtaken(_: Any) -> None:
        town.line.mend()
        async with town.service.database.writing() as tx:  # its lease is over
            await tx.execute("update channel_file set ask_at = now() - interval '1 second' where state = 'wanted'")
        while await usecases.fetch_wechat_bills(service):
            pass

    town.line.after = overtaken
    await fetch(town)
    await close_app(other)
    assert len(await statements(town)) == 1
    kept = await town.rows("select count(*) as kept from evidence")
    assert kept == [{"kept": 4}]  # both bills as they came, and the pool's statements


async def test_the_same_bill_brought_by_hand_before_is_one_statement(town: WechatTown) -> None:
    await paid(town, 32000)
    town.suite.set_clock("2021-12-06 10:00:00")
    answer = await town.client("payments:write").post(
        "/v1/statements",
        params={"pool": POOL, "channel": "wechat", "day": "2021-12-05", "file_name": "bill.csv"},
        content=town.hall.books.statement(DAY, []),
        headers={"Idempotency-Key": "by-hand", "Content-Type": "application/octet-stream"},
    )
    assert answer.status_code == 201, answer.text
    await fetch(town)
    [(_, _, _, by, _)] = await statements(town)
    assert by != "fetched"


async def test_money_for_no_order_of_ours_is_told_where_no_pool_is(town: WechatTown) -> None:
    await paid(town, 32000)
    await town.control("faults", statement=["unknown_line"])
    order = next(iter(town.hall.books.orders.values()))
    order.out_trade_no = f"990101{order.out_trade_no[6:]}"  # an order number of a pool that has no bills
    town.suite.set_clock("2021-12-06 10:00:00")
    await fetch(town)
    assert [(pool, told) for pool, _, _, _, told in await statements(town)] == [("000000", 64000)]


async def test_where_bills_are_brought_by_hand_none_is_fetched(
    town: WechatTown, wechat_keys: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PAYMENTS_WECHAT", settings_of(wechat_keys, address="http://wechat"))
    app = town.suite.make_app("payments")
    assert not await usecases.fetch_wechat_bills(app.state.service)
    assert await town.rows("select 1 from channel_file") == []
    await close_app(app)


# --- which days are due -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("now", "after", "began", "days"),
    [
        ("2021-12-06 09:59:59", None, None, ["2021-12-04"]),
        ("2021-12-06 10:00:00", None, None, ["2021-12-05"]),
        ("2021-12-06 10:00:00", "2021-12-05", "2021-09-01", []),
        ("2021-12-06 10:00:00", "2021-12-03", None, ["2021-12-04", "2021-12-05"]),
        ("2021-12-06 10:00:00", None, "2021-12-05", ["2021-12-05"]),
        ("2021-12-05 10:00:00", None, "2021-12-05", []),
        ("2022-01-01 10:00:00", "2021-12-30", None, ["2021-12-31"]),
    ],
)
def test_a_day_is_due_from_the_next_morning(now: str, after: str | None, began: str | None, days: list[str]) -> None:
    instant = datetime.fromisoformat(now).replace(tzinfo=SHANGHAI)
    found = due_days(instant, time(10), after and date.fromisoformat(after), began and date.fromisoformat(began))  # type: ignore[arg-type]
    assert [day.isoformat() for day in found] == days


@given(
    now=st.datetimes(datetime.fromisoformat("2021-01-01"), datetime.fromisoformat("2022-12-31")),
    back=st.none() | st.integers(0, 400),
    there_from=st.times(),
)
def test_every_day_is_due_once_and_none_that_the_channel_has_thrown_away(
    now: datetime, back: int | None, there_from: time
) -> None:
    instant = now.replace(tzinfo=SHANGHAI)
    after = None if back is None else instant.date() - timedelta(days=back)
    days = due_days(instant, there_from, after, None)
    assert list(days) == sorted(set(days))
    assert len(days) <= MOST_DAYS
    assert all(instant.date() > day > (after or date.min) for day in days)
    if days:
        assert due_days(instant, there_from, days[-1], None) == []
