"""Day files that we fetch from channels ourselves, and hand over like those that people bring.

    want (tx: the days that are due) → lease (tx: one worker, one file) → ask the channel (no transaction)
         → tx: kept whole as evidence, and for each pool that it concerns as a statement

The bytes are those that the channel announced, or it counts as not answered. A merchant number may take money for
several pools: then each gets the lines of its orders, byte for byte, under totals of their own.
"""

import asyncio
import hashlib
import io
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import structlog

from shared import evidence
from shared.clock import business_day, wall_now
from shared.codes import Channel
from shared.database import Row
from shared.evidence import Upload

from ..clients import Done, Outcome, Refused, WechatClient
from ..formats import fund_flow, wechat_bill
from ..formats.statement_layouts import WECHAT_TRADE_BILL
from ..rules import channel_files as rules
from ..rules.reconciling import SYSTEM
from ..rules.settlements import Source
from ..rules.tax import POOLLESS, pool_named
from ..store import channel_files as store
from ..store.tax import pools_with_bills
from .statements import FETCHED, keep_statement
from .suite import Payments

_NONE = "NOSTATEMENTEXIST"
_BASIC = "BASIC"
"""The account that payments come into and are settled from."""
_log = structlog.get_logger()


async def fetch_wechat_bills(service: Payments) -> bool:
    """Want WeChat's bills of the days that are due, and fetch the one whose turn it is; whether there was any."""
    client = service.wechat
    if client is None or client.settings.bill_time is None:
        return False
    await _want(service, client)
    async with service.database.writing() as tx:
        most = max(rules.LONGEST_PAUSE_SECONDS, client.settings.bill_again_minutes * 60)
        row = await store.lease_file(tx, POOLLESS, Channel.WECHAT, wall_now(), rules.SHORTEST_PAUSE_SECONDS, most)
    if row is None:
        return False
    await _end(service, client, row, await _ask(client, row))
    return True


async def _want(service: Payments, client: WechatClient) -> None:
    assert client.settings.bill_time is not None
    kinds = (rules.TRADE, *(rules.fund_flow(account) for account in client.settings.fund_accounts))
    now = service.clock.now()
    async with service.database.reading() as reader:
        last = await store.last_days(reader, POOLLESS, Channel.WECHAT)
        paid_at = None if last.keys() >= set(kinds) else await store.first_paid(reader, Channel.WECHAT)
    began = business_day(paid_at) if paid_at else None
    due = {kind: rules.due_days(now, client.settings.bill_time, last.get(kind), began) for kind in kinds}
    if not any(due.values()):
        return
    async with service.database.writing() as tx:
        for kind, days in due.items():
            await store.want_files(tx, POOLLESS, Channel.WECHAT, kind, days, wall_now())


async def _ask(client: WechatClient, row: Row) -> Outcome[bytes]:
    if row["kind"] == rules.TRADE:
        return await client.trade_bill(row["day"])
    account = next(one for one in client.settings.fund_accounts if rules.fund_flow(one) == row["kind"])
    return await client.fund_flow(row["day"], account)


async def _end(service: Payments, client: WechatClient, row: Row, outcome: Outcome[bytes]) -> None:
    """Hand over what came; or write down why nothing did, and when it is asked for again."""
    said = None
    if isinstance(outcome, Done):
        try:
            await _take(service, row, outcome.value)
        except ValueError as error:
            said = str(error)
    elif isinstance(outcome, Refused) and outcome.code == _NONE:
        async with service.database.writing() as tx:
            none = rules.FILE_TRANSITIONS[rules.FileState.WANTED, rules.FileAct.FIND_NONE]
            await store.end_file(tx, row, none, service.clock.now())
    else:
        said = outcome.code if isinstance(outcome, Refused) else outcome.why
    if said is not None:
        # What WeChat has refused is not there yet; where nobody answered, the lease says when it is asked again.
        refused = isinstance(outcome, Refused)
        again = wall_now() + timedelta(minutes=client.settings.bill_again_minutes) if refused else None
        async with service.database.writing() as tx:
            await store.note_file(tx, row, said, again)
    _log.info(
        "channel_file", channel=row["channel"], kind=row["kind"], day=row["day"].isoformat(), said=said or "ended"
    )


async def _take(service: Payments, row: Row, data: bytes) -> None:
    """Keep a file, and what it tells each pool, in one transaction. Raises ValueError where it cannot be parted."""
    assert service.wechat is not None
    parts: Mapping[str, bytes] = {}
    series, layout = {"channel": row["channel"], "institution": "", "day": row["day"]}, WECHAT_TRADE_BILL
    if row["kind"] == rules.TRADE:
        bill = await asyncio.to_thread(wechat_bill.read_trade_bill, data)
        async with service.database.reading() as reader:
            known = await pools_with_bills(reader, {pool_named(line.order_no) for line in bill.lines})
        parts = await asyncio.to_thread(wechat_bill.parted, data, bill, lambda order_no: home_of(order_no, known))
    elif row["kind"] == rules.fund_flow(_BASIC) and (pool := service.wechat.settings.account_pool):
        series |= {"channel": Source.ACCOUNT, "institution": fund_flow.INSTITUTION}
        parts, layout = {pool: data}, fund_flow.LAYOUT
    file_name = f"{row['channel']}-{row['kind']}-{row['day']:%Y%m%d}.csv"
    await keep_file(service, row, data, parts, series, layout, file_name)


async def keep_file(
    service: Payments,
    row: Row,
    data: bytes,
    parts: Mapping[str, bytes],
    series: Mapping[str, Any],
    layout: str,
    file_name: str,
) -> None:
    """Keep a wanted file whole, and each pool's part of it as a statement of `series`, in one transaction."""
    now = service.clock.now()
    async with service.database.writing() as tx:
        if not await store.lock_wanted(tx, row):
            return
        whole = await evidence.keep(tx, service.sealer, row["pool"], file_name, _upload(data), now)
        taken = rules.FILE_TRANSITIONS[rules.FileState.WANTED, rules.FileAct.TAKE]
        await store.end_file(tx, row, taken, now, whole)
        for pool, part in sorted(parts.items()):
            of_pool = {"pool": pool, **series}
            await keep_statement(service, tx, _upload(part), of_pool, layout, file_name, by=FETCHED, client=SYSTEM)


def home_of(order_no: str, known: set[str]) -> str:
    """The pool that an order's number begins with; that of no pool where nobody there knows of us."""
    named = pool_named(order_no)
    return named if named in known else POOLLESS


def _upload(data: bytes) -> Upload:
    return Upload(io.BytesIO(data), hashlib.sha256(data).hexdigest(), len(data))
