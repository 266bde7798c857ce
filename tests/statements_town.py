"""Money of every channel and the statements that tell of it, made by hand: what `test_reconciling` works with."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import httpx
from fastapi import FastAPI

from services.payments import usecases
from services.payments.rules.orders import WECHAT_ACCOUNT
from services.payments.rules.tax import ETAX_ACCOUNT
from shared.clock import SHANGHAI
from shared.codes import Channel
from shared.ids import new_id
from shared.jobs import drain
from tests.payments_town import POOL, REGION, IssuedBill
from tests.suite import InProcessSuite

BANK = "RCB140522"
DAY = "2021-12-05"
NOON = datetime(2021, 12, 5, 12, tzinfo=SHANGHAI)
HELD = {Channel.WECHAT: WECHAT_ACCOUNT, Channel.ETAX: ETAX_ACCOUNT, Channel.BANK: f"held/bank/{BANK}"}


@dataclass(frozen=True)
class Paid:
    """A payment, as the channel would print it."""

    channel: Channel
    number: str
    bill_no: str
    amount_fen: int = 32000
    at: datetime = NOON
    payer: str = "王小明"

    @property
    def reference(self) -> str:
        """As our submission has it."""
        day = f"{self.at:%Y%m%d}"
        return f"{BANK}/{day}/{self.number}" if self.channel is Channel.BANK else self.number


def paid(channel: Channel, bills: Sequence[IssuedBill], **other: Any) -> list[Paid]:
    """One payment of each bill, a minute apart."""
    return [
        replace(Paid(channel, f"{n:012d}", bill.bill_no, bill.amount_fen, NOON + timedelta(minutes=n)), **other)
        for n, bill in enumerate(bills, start=1)
    ]


async def book(
    suite: InProcessSuite, payments: Sequence[Paid], *, pool: str = POOL, now: datetime | None = None
) -> list[Mapping[str, Any]]:
    """Have payments told by their channels: settled as each channel settles them."""
    service: usecases.Payments = suite.apps["payments"].state.service
    async with service.database.writing() as tx:
        return await usecases.settle(
            tx,
            pool,
            [
                usecases.Payment(
                    channel=each.channel,
                    method=each.channel,
                    reference=each.reference,
                    bill_no=each.bill_no,
                    amount_fen=each.amount_fen,
                    paid_at=each.at,
                    payer_name=each.payer,
                    payer_id=None,
                    region=REGION,
                    book_code=f"BOOK-{each.channel}",
                    taken_by=each.channel,
                    shift_id=None,
                    held_account=HELD[each.channel],
                    message={},
                )
                for each in payments
            ],
            now or service.clock.now(),
        )


async def take_back(suite: InProcessSuite, collections: Sequence[Mapping[str, Any]]) -> None:
    """Have a channel take money back."""
    service: usecases.Payments = suite.apps["payments"].state.service
    async with service.database.writing() as tx:
        ids = [row["collection_id"] for row in collections]
        await usecases.reverse(tx, POOL, ids, "test", service.clock.now())


async def work(suite: InProcessSuite, app: FastAPI | None = None) -> None:
    """Run the jobs of payments, but for the one that follows registration, until none finds work."""
    worker = app or suite.apps["payments"]
    await drain([job for job in worker.state.jobs if not job.name.startswith("follow_")])


def yuan(fen: int) -> str:
    """32000 → `320.00`."""
    return f"{fen // 100}.{fen % 100:02d}"


def tax_list(payments: Sequence[Paid], *, told: tuple[int, int] | None = None) -> bytes:
    """The tax bureau's list of a day."""
    count, fen = told or (len(payments), sum(each.amount_fen for each in payments))
    rows = [
        f"对账日,{DAY},总笔数,{count},总金额(元),{yuan(fen)}",
        "电子税票号,缴费时间,应缴单号,金额(元),缴费人,事件号",
    ]
    rows += [
        f"3140,{each.at:%Y-%m-%d %H:%M:%S},{each.bill_no},{yuan(each.amount_fen)},{each.payer},{each.reference}"
        for each in payments
    ]
    return b"\xef\xbb\xbf" + "".join(f"{row}\r\n" for row in rows).encode()


def check_file(payments: Sequence[Paid], reversals: Sequence[Paid] = ()) -> bytes:
    """The bank's check file of a day; a reversal has a serial of its own."""
    fen = sum(each.amount_fen for each in payments) - sum(each.amount_fen for each in reversals)
    rows = [f"{len(payments) + len(reversals)}|{yuan(fen)}"]
    for kind, lines in (("1", payments), ("2", reversals)):
        rows += [f"{each.at:%Y%m%d}|{each.number}|{each.bill_no}|{yuan(each.amount_fen)}|APP|{kind}" for each in lines]
    return "".join(f"{row}\n" for row in rows).encode()


_COLUMNS = (
    "交易时间,公众账号ID,商户号,特约商户号,设备号,微信订单号,商户订单号,用户标识,交易类型,交易状态,付款银行,货币种类,应结订单金额,"
    "代金券金额,微信退款单号,商户退款单号,退款金额,充值券退款金额,退款类型,退款状态,商品名称,商户数据包,手续费,费率,订单金额,"
    "申请退款金额,费率备注"
)


def trade_bill(payments: Sequence[Paid], refunds: Sequence[tuple[str, int]] = ()) -> bytes:
    """WeChat's trade bill of a day; refunds as number and fen. A payment's order has its bill's number."""
    rows = []
    for each in payments:
        amount = yuan(each.amount_fen)
        rows.append(
            [f"{each.at:%Y-%m-%d %H:%M:%S}", "wx", "1900007291", "0", "", each.reference, each.bill_no, "o", "JSAPI",
             "SUCCESS", "OTHERS", "CNY", amount, "0.00", "0", "0", "0.00", "0.00", "", "", "医保", "", "0.00000",
             "0.00%", amount, "0.00", ""]
        )  # fmt: skip
    for number, fen in refunds:
        rows.append(
            [f"{NOON:%Y-%m-%d %H:%M:%S}", "wx", "1900007291", "0", "", "4200", "order", "o", "JSAPI", "REFUND",
             "OTHERS", "CNY", "0.00", "0.00", "50", number, yuan(fen), "0.00", "ORIGINAL", "SUCCESS", "医保", "",
             "0.00000", "0.00%", "0.00", yuan(fen), ""]
        )  # fmt: skip
    total, back = yuan(sum(each.amount_fen for each in payments)), yuan(sum(fen for _, fen in refunds))
    totals = [str(len(rows)), total, back, "0.00", "0.00000", total, back]
    lines = [_COLUMNS, *(",".join(f"`{value}" for value in row) for row in rows)]
    lines.append("总交易单数,应结订单总金额,退款总金额,充值券退款总金额,手续费总金额,订单总金额,申请退款总金额")
    lines.append(",".join(f"`{value}" for value in totals))
    return b"\xef\xbb\xbf" + "".join(f"{line}\r\n" for line in lines).encode()


PRINT: Mapping[Channel, Callable[[Sequence[Paid]], bytes]] = {
    Channel.ETAX: tax_list,
    Channel.BANK: check_file,
    Channel.WECHAT: trade_bill,
}


class Desk:
    """The clerks who reconcile: `wang` brings files and proposes, `li` accepts and approves."""

    def __init__(self, suite: InProcessSuite) -> None:
        self.suite = suite
        scopes = "payments:read payments:write payments:check payments:approve"
        self.wang = suite.client("payments", scopes, user="clerk-wang")
        self.li = suite.client("payments", scopes, user="clerk-li")
        self.zhao = suite.client("payments", scopes, user="clerk-zhao")

    async def upload(
        self,
        channel: Channel,
        data: bytes,
        *,
        day: str = DAY,
        institution: str | None = None,
        key: str | None = None,
        client: httpx.AsyncClient | None = None,
    ) -> httpx.Response:
        """Bring a statement."""
        named = institution if institution is not None else BANK if channel is Channel.BANK else ""
        return await (client or self.wang).post(
            "/v1/statements",
            params={"pool": POOL, "channel": channel, "day": day, "file_name": "day.csv", "institution": named},
            content=data,
            headers={"Content-Type": "application/octet-stream", "Idempotency-Key": key or str(new_id())},
        )

    async def bring(self, channel: Channel, data: bytes, **other: Any) -> dict[str, Any]:
        """Bring a statement and have it looked over."""
        answer = await self.upload(channel, data, **other)
        assert answer.status_code in (200, 201), answer.text
        await work(self.suite)
        return await self.statement(answer.json()["statement_id"])

    async def statement(self, statement_id: str) -> dict[str, Any]:
        """A statement as it stands."""
        answer = await self.wang.get(f"/v1/statements/{statement_id}", params={"pool": POOL})
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()
        return found

    async def rows(self, statement_id: str, **query: str) -> list[dict[str, Any]]:
        """The rows of a statement."""
        params = {"pool": POOL, "limit": "1000", **query}
        answer = await self.wang.get(f"/v1/statements/{statement_id}/rows", params=params)
        assert answer.status_code == 200, answer.text
        found: list[dict[str, Any]] = answer.json()["items"]
        return found

    async def results(self, statement_id: str) -> list[str]:
        """What the rows of a statement come to, by row."""
        return [row["result"] for row in await self.rows(statement_id)]

    async def check(
        self, statement: Mapping[str, Any], result: str = "accepted", *, client: httpx.AsyncClient | None = None
    ) -> httpx.Response:
        """A person's word on a statement whose totals differ."""
        return await (client or self.li).post(
            f"/v1/statements/{statement['statement_id']}/check",
            json={"pool": POOL, "result": result, "note": "末尾缺行"},
            headers={"Idempotency-Key": str(new_id()), "If-Match": f'"{statement["version"]}"'},
        )

    async def exceptions(self, **query: str) -> list[dict[str, Any]]:
        """The exceptions."""
        answer = await self.wang.get("/v1/exceptions", params={"pool": POOL, "limit": "1000", **query})
        assert answer.status_code == 200, answer.text
        found: list[dict[str, Any]] = answer.json()["items"]
        return found

    async def open_exceptions(self) -> list[dict[str, Any]]:
        """Those that wait for somebody."""
        return [each for each in await self.exceptions() if each["state"] in ("open", "proposed")]

    async def propose(
        self, found: Mapping[str, Any], resolution: str, *, client: httpx.AsyncClient | None = None, **other: Any
    ) -> httpx.Response:
        """Propose a resolution."""
        return await (client or self.zhao).post(
            f"/v1/exceptions/{found['exception_id']}/propose",
            json={"pool": POOL, "resolution": resolution, "reason": "已核对", **other},
            headers={"Idempotency-Key": str(new_id()), "If-Match": f'"{found["version"]}"'},
        )

    async def approve(
        self,
        found: Mapping[str, Any],
        result: str = "approved",
        *,
        client: httpx.AsyncClient | None = None,
        key: str | None = None,
    ) -> httpx.Response:
        """Approve or return a proposal."""
        return await (client or self.li).post(
            f"/v1/exceptions/{found['exception_id']}/approve",
            json={"pool": POOL, "result": result, "note": "同意"},
            headers={"Idempotency-Key": key or str(new_id()), "If-Match": f'"{found["version"]}"'},
        )

    async def resolve(self, found: Mapping[str, Any], resolution: str, **other: Any) -> dict[str, Any]:
        """Propose and approve by two people."""
        proposed = await self.propose(found, resolution, **other)
        assert proposed.status_code == 200, proposed.text
        approved = await self.approve(proposed.json())
        assert approved.status_code == 200, approved.text
        await work(self.suite)
        ended: dict[str, Any] = approved.json()
        return ended

    async def balances(self) -> dict[str, int]:
        """The accounts that are not empty."""
        answer = await self.wang.get("/v1/accounts", params={"pool": POOL})
        return {item["account"]: item["balance_fen"] for item in answer.json()["items"] if item["balance_fen"]}

    async def figures(self) -> dict[str, int]:
        """The reconciliation's figures."""
        answer = await self.wang.get("/v1/reconciliation", params={"pool": POOL})
        found: dict[str, int] = answer.json()
        return found

    async def collection(self, collection_id: str | UUID) -> dict[str, Any]:
        """A collection as it stands."""
        answer = await self.wang.get(f"/v1/collections/{collection_id}", params={"pool": POOL})
        found: dict[str, Any] = answer.json()
        return found
