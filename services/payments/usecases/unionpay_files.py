"""UnionPay's day files, fetched like WeChat's bills (`channel_files.py`): each pool gets the lines of its orders."""

import asyncio
from datetime import timedelta

import structlog

from shared.clock import business_day, wall_now
from shared.codes import Channel
from shared.database import Row

from ..clients import Done, Outcome, Refused, UnionPayClient
from ..clients.unionpay import NO_FILE, DayFile
from ..formats import unionpay_files as format_
from ..formats.statements import StatementUnreadable
from ..rules import channel_files as rules
from ..rules import unionpay
from ..rules.tax import POOLLESS, pool_named
from ..store import channel_files as store
from ..store import tax as tax_store
from .channel_files import home_of, keep_file
from .suite import Payments
from .unionpay import CHANNEL

_LATEST = timedelta(days=2)
"""After that a day without a file had no payments; UnionPay says the same of one that is not there yet."""
_log = structlog.get_logger()


async def fetch_unionpay_files(service: Payments) -> bool:
    """Want UnionPay's files of the days that are due, and fetch the one whose turn it is; whether there was any."""
    client = service.unionpay
    if client is None or client.settings.file_time is None:
        return False
    now = service.clock.now()
    async with service.database.reading() as reader:
        last = (await store.last_days(reader, POOLLESS, CHANNEL)).get(rules.TRADE)
        began = None if last else await store.first_day_of_bank(reader, unionpay.INSTITUTION)
    if days := rules.due_days(now, client.settings.file_time, last, began):
        async with service.database.writing() as tx:
            await store.want_files(tx, POOLLESS, CHANNEL, rules.TRADE, days, wall_now())
    async with service.database.writing() as tx:
        most = max(rules.LONGEST_PAUSE_SECONDS, client.settings.file_again_minutes * 60)
        row = await store.lease_file(tx, POOLLESS, CHANNEL, wall_now(), rules.SHORTEST_PAUSE_SECONDS, most)
    if row is None:
        return False
    await _end(service, client, row, await client.day_file(row["day"], now))
    return True


async def _end(service: Payments, client: UnionPayClient, row: Row, outcome: Outcome[DayFile]) -> None:
    """Hand over what came; or write down why nothing did, and when it is asked for again."""
    said, again = None, None
    if isinstance(outcome, Done):
        try:
            await _take(service, row, outcome.value)
        except StatementUnreadable as error:
            said = str(error)
    elif isinstance(outcome, Refused):
        said, again = outcome.code, wall_now() + timedelta(minutes=client.settings.file_again_minutes)
        if outcome.code == NO_FILE and business_day(service.clock.now()) >= row["day"] + _LATEST:
            said = None
            async with service.database.writing() as tx:
                none = rules.FILE_TRANSITIONS[rules.FileState.WANTED, rules.FileAct.FIND_NONE]
                await store.end_file(tx, row, none, service.clock.now())
    else:
        said = outcome.why
    if said is not None:
        async with service.database.writing() as tx:
            await store.note_file(tx, row, said, again)
    _log.info("channel_file", channel=CHANNEL, kind=row["kind"], day=row["day"].isoformat(), said=said or "ended")


async def _take(service: Payments, row: Row, file: DayFile) -> None:
    """Keep the zip, and what it tells each pool. Raises StatementUnreadable."""
    files, data = service.day_files.unionpay, file.data
    named = await asyncio.to_thread(format_.parted, data, files, pool_named)
    async with service.database.reading() as reader:
        known = await tax_store.pools_with_bills(reader, named)
    parts = await asyncio.to_thread(format_.parted, data, files, lambda order_no: home_of(order_no, known))
    series = {"channel": Channel.BANK, "institution": unionpay.INSTITUTION, "day": row["day"]}
    file_name = f"{CHANNEL}-{row['day']:%Y%m%d}.zip"
    await keep_file(service, row, data, parts, series, format_.LAYOUT, file_name)
