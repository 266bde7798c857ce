"""Statements of our accounts and what a desk sees of the way of the money: what `test_settlements` works with."""

from collections.abc import Mapping, Sequence
from typing import Any

from services.payments.rules.settlements import Source
from shared.codes import Channel
from tests.payments_town import POOL, issue_bills
from tests.statements_town import BANK, DAY, Desk, Paid, book, paid, work, yuan
from tests.suite import InProcessSuite

TENPAY, RURAL, TREASURY = "财付通支付科技有限公司", "阳城县农村商业银行", "国家金库阳城县支库"
ACCOUNTS = {
    "special": {"pool": POOL, "payers": {TENPAY: "wechat", RURAL: f"bank/{BANK}"}, "passes_to": [TREASURY]},
    "elsewhere": {"pool": "990101"},
}
D1, D2, D4, D9 = "2021-12-06", "2021-12-07", "2021-12-09", "2021-12-14"
Line = tuple[str, int, str, str]
"""Number, fen (below zero: out), name, words."""


async def sell(payments: InProcessSuite, channel: Channel, count: int = 3) -> list[Paid]:
    """Bills, paid and booked through a channel."""
    sold = paid(channel, await issue_bills(payments, [32000] * count))
    await book(payments, sold)
    return sold


def account_file(lines: Sequence[Line], day: str = D1) -> bytes:
    """The bank's list of the special account."""
    rows = [f"总笔数,{len(lines)},净额,{yuan(sum(fen for _, fen, _, _ in lines))}"]
    rows.append("交易时间,流水号,收入(元),支出(元),对方户名,摘要")
    for number, fen, name, words in lines:
        come, gone = (yuan(fen), "") if fen > 0 else ("", yuan(-fen))
        rows.append(f"{day} 09:30:00,{number},{come},{gone},{name},{words}")
    return "\n".join(rows).encode("gb18030") + b"\n"


def flow_file(flows: Sequence[tuple[str, str, int]], day: str = DAY) -> bytes:
    """WeChat's fund-flow bill: name, number, fen."""
    rows = [
        "记账时间,微信支付业务单号,资金流水单号,业务名称,业务类型,收支类型,收支金额(元),账户结余(元),资金变更提交申请人,备注,业务凭证号"
    ]
    for n, (name, number, fen) in enumerate(flows):
        way = "收入" if fen > 0 else "支出"
        values = [f"{day} 10:00:00", number, f"F{n}", name, name, way, yuan(abs(fen)), "0.00", "system", "", number]
        rows.append(",".join(f"`{value}" for value in values))
    come, gone = [fen for *_, fen in flows if fen > 0], [-fen for *_, fen in flows if fen < 0]
    sums = [f"{len(flows)}.0", f"{len(come)}.0", yuan(sum(come)), f"{len(gone)}.0", yuan(sum(gone))]
    rows += ["资金流水总笔数,收入笔数,收入金额,支出笔数,支出金额", ",".join(f"`{value}" for value in sums)]
    return b"\xef\xbb\xbf" + "".join(f"{row}\r\n" for row in rows).encode()


async def bring_account(
    desk: Desk, lines: Sequence[Line], day: str = D1, *, institution: str = "special"
) -> dict[str, Any]:
    account: Any = Source.ACCOUNT
    return await desk.bring(account, account_file(lines, day), day=day, institution=institution)


async def chain(desk: Desk, day: str = DAY) -> dict[str, dict[str, Any]]:
    """The chains of a day, by channel."""
    answer = await desk.wang.get("/v1/reconciliation/chain", params={"pool": POOL, "day": day})
    assert answer.status_code == 200, answer.text
    return {item["channel"]: item for item in answer.json()["items"]}


def states(item: Mapping[str, Any]) -> list[str]:
    return [item[link]["state"] for link in ("statement", "money", "treasury")]


async def kinds(desk: Desk) -> list[tuple[str, str]]:
    return [(each["kind"], each["state"]) for each in await desk.exceptions()]


async def move_to(payments: InProcessSuite, day: str) -> None:
    payments.set_clock(f"{day} 10:00")
    await work(payments)
