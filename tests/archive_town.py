"""A year of payments to be archived, made by hand: what the tests of the archive work with."""

import hashlib
import io
from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from deploy.archive import keeping, years
from deploy.archive.archives import Archive, ArchiveBroken
from deploy.archive.contents import SchemeYear
from deploy.citus.tables import metadata_of
from shared import evidence
from shared.codes import Channel
from shared.database import Database
from shared.ids import new_id
from shared.sealing import Sealer
from tests.payments_town import POOL, issue_bills
from tests.registration_town import SCHEME
from tests.statements_town import book, paid
from tests.suite import SEALING_KEYS, InProcessSuite

YEAR = SchemeYear(POOL, SCHEME, 2022, date(2022, 12, 31), date(2022, 12, 31))
LATER = date(2023, 1, 1)
SEALER = Sealer.from_setting(SEALING_KEYS)


async def days(payments: InProcessSuite, messages: int = 5) -> list[dict[str, Any]]:
    """Two days' statements that agree, and messages of a channel; everything of the year is at its end."""
    await book(payments, paid(Channel.ETAX, await issue_bills(payments, [32000] * 3)))
    brought = [await leave_statement(payments, channel) for channel in ("etax", "bank")]
    await leave_messages(payments.apps["payments"].state.database, POOL, "2021-12-05 12:00", messages)
    return brought


async def leave_statement(payments: InProcessSuite, channel: str, data: bytes = b"") -> dict[str, Any]:
    """A statement of a day without money, accepted and done with, and the bytes it came in."""
    data = data or f"{channel}: 张三".encode() * 50
    upload = evidence.Upload(io.BytesIO(data), hashlib.sha256(data).hexdigest(), len(data))
    totals = ("told_count", "told_fen", "told_back_fen", "found_count", "found_fen", "found_back_fen")
    now, database = payments.clock.now(), payments.apps["payments"].state.database
    async with database.writing() as tx:
        row = {
            "pool": POOL,
            "statement_id": new_id(),
            "channel": channel,
            "institution": "",
            "day": date(2021, 12, 5),
            "file_version": 1,
            "layout": "tax_day_list",
            "file_name": "day.csv",
            "sha256": upload.sha256,
            "size_bytes": upload.size_bytes,
            "evidence_id": await evidence.keep(tx, SEALER, POOL, "day.csv", upload, now),
            "state": "received",
            "rows_taken": 0,
            **dict.fromkeys(totals, 0),
            "received_by": "clerk",
            "received_at": now,
            "taken_at": now,
            "due_on": date(2021, 12, 9),
            "overdue": False,
            "version": 1,
        }
        await tx.insert(metadata_of("payments").tables["statement"], [row])
        accepted = "update statement set state = 'accepted', judged_by = 'system', judged_at = taken_at"
        await tx.execute(f"{accepted} where statement_id = :id", id=row["statement_id"])
    return row


_numbers = count(1)
_ALL_OF, _OF_POOL = "select * from", "where pool = :pool order by 2, 3"


async def leave_messages(database: Database, pool: str, day: str, messages: int, status: str = "applied") -> None:
    at = datetime.fromisoformat(day).replace(tzinfo=UTC)
    rows = [
        {
            "pool": pool,
            "channel": "wechat",
            "message_id": f"m{next(_numbers):05}",
            "kind": "TRANSACTION.SUCCESS",
            "reference": None,
            "status": "received",
            "verdict": None,
            "headers": {"wechatpay-serial": "1"},
            "body": bytes(range(256)),
            "content": {"payer": "张三", "amount": {"total": 32000}},
            "received_at": at,
            "entered_at": at + timedelta(microseconds=123456),
        }
        for _ in range(messages)
    ]
    async with database.writing() as tx:
        await tx.insert(metadata_of("payments").tables["channel_message"], rows)
        if status == "applied":
            await tx.execute("update channel_message set status = 'applied', verdict = 'booked' where verdict is null")


async def state(database: Database, pool: str = POOL) -> Mapping[str, Any]:
    """Every table of payments that archives touch, of a pool."""
    async with database.reading() as tx:
        return {
            table: [dict(row) for row in await tx.rows(f"{_ALL_OF} {table} {_OF_POOL}", pool=pool)]
            for table in ("evidence", "evidence_part", "channel_message")
        }


async def archive(database: Database, folder: Path, year: SchemeYear = YEAR, **given: Any) -> list[Archive]:
    return [made async for made in years.archive(database, "payments", year, folder, **given)]


async def check(database: Database, folder: Path, sealer: Sealer | None = SEALER) -> tuple[int, int]:
    return await keeping.check(database, "payments", POOL, folder, sealer)


def bytes_of(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


def modes_of(folder: Path) -> set[int]:
    return {path.stat().st_mode & 0o777 for path in folder.iterdir()}


async def check_fails(database: Database, folder: Path) -> bool:
    with pytest.raises(ArchiveBroken):
        await check(database, folder)
    return True
