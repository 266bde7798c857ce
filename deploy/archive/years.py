"""A scheme-year that is over goes into archives: judged first, then archive after archive, each in one transaction.

    head row of the pool's archives → records locked → zip on disk, read back → rows removed → head row moved → commit

The head row (`chain_head`) knows how many archives a pool has and the hash of the last, as it does of a chain. Whoever
is killed before the commit has removed nothing, and makes the same archive again.
"""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from services.registration.formats.package import load_package
from services.registration.rules import Package
from shared import chain
from shared.clock import wall_now
from shared.database import Database, Reader

from . import archives, contents
from .archives import Archive, Label
from .contents import Kind, SchemeYear

ARCHIVES = chain.Chain("scheme_year", ())
"""Its anchor counts archives. There are no records of it in the database: they are the archives."""

_TABLES = {"supplier": "eligibility", "package_version": "registration", "bill": "payments", "application": "refunds"}


class NotOver(Exception):
    """A scheme-year that cannot be archived yet; `reasons` say why, each with how many."""

    def __init__(self, year: str, reasons: Sequence[str]) -> None:
        super().__init__(f"{year} is not over:\n" + "\n".join(f"  - {reason}" for reason in reasons))
        self.reasons = reasons


@dataclass(frozen=True)
class _Open:
    """What must have come to its end: `sql` counts what has not."""

    what: str
    sql: str


_OPEN = {
    "eligibility": (
        _Open(
            "lists that are not taken, decided or taken back (名单未处理完)",
            "select count(*) from feed where pool = :pool and received_at < :end "
            "and state in ('received', 'held', 'ending', 'withdrawing')",
        ),
    ),
    "registration": (
        _Open(
            "rosters that are not taken (花名册未导入)",
            "select count(*) from roster where pool = :pool and scheme = :scheme and state = 'received'",
        ),
        _Open(
            "cases that nobody has decided (个案未决定)",
            "select count(*) from status_case where pool = :pool and scheme = :scheme and state = 'open'",
        ),
        _Open(
            "package runs that go on (政策包试算未结束)",
            "select count(*) from package_run where pool = :pool and scheme = :scheme and state = 'running'",
        ),
    ),
    "payments": (
        _Open(
            "open bills that can still be paid (应缴单仍可缴费)",
            "select count(*) from bill where pool = :pool and scheme = :scheme and status = 'open' "
            "and cast(\"window\"->>'to' as date) >= :today",
        ),
        _Open(
            "orders whose end is not known (订单未结)",
            "select count(*) from channel_order as o join bill as b on b.pool = :pool and b.bill_no = o.bill_no "
            "where o.pool = :pool and b.scheme = :scheme and o.status in ('created', 'open', 'closing')",
        ),
        _Open(
            "refunds on their way (退费未结)",
            "select count(*) from refund where pool = :pool and scheme = :scheme "
            "and state not in ('settled', 'failed')",
        ),
        _Open(
            "statements that are not done with (对账单未处理完)",
            "select count(*) from statement where pool = :pool and day <= :until "
            "and (state in ('received', 'differs') or state = 'accepted' and look_on is not null)",
        ),
        _Open(
            "breaks that are open (差错未结)",
            "select count(*) from statement_break where pool = :pool and day <= :until "
            "and state in ('open', 'proposed')",
        ),
        _Open(
            "messages of channels that were not acted upon (渠道消息未处理)",
            "select count(*) from channel_message where pool = :pool and received_at < :end "
            "and status in ('received', 'unreadable')",
        ),
        _Open(
            "withholding batches that are not closed (批扣未结)",
            "select count(*) from withholding where pool = :pool and debit_on <= :until "
            "and state in ('built', 'sent', 'returned')",
        ),
    ),
    "refunds": (
        _Open(
            "applications that are not at their end (退费申请未办结)",
            "select count(*) from application where pool = :pool and scheme = :scheme "
            "and state in ('requested', 'checked', 'approved', 'paying')",
        ),
    ),
}


async def read_year(registration: Database, pool: str, scheme: str) -> SchemeYear:
    """The scheme-year by its package in force. Raises LookupError where the pool has none of this name.

    It ends with the benefit year, its cover or its last refund day, whichever is last. What is dated by days alone
    belongs to it up to the day before the next scheme-year takes money.
    """
    async with registration.reading() as tx:
        rows = await tx.rows(
            "select scheme, content from package_version where pool = :pool and state = 'published'", pool=pool
        )
    packages = {row["scheme"]: load_package(bytes(row["content"])) for row in rows}
    if scheme not in packages:
        raise LookupError(f"pool {pool} has no scheme {scheme}; it has {', '.join(sorted(packages)) or 'none'}")
    last_day = _last_day(packages[scheme])
    later = [_first_day(each) for each in packages.values() if each.benefit_year > packages[scheme].benefit_year]
    until = min([last_day, *(day - timedelta(days=1) for day in later)])
    return SchemeYear(pool, scheme, packages[scheme].benefit_year, last_day, until)


def _first_day(package: Package) -> date:
    return package.window.opens_on or date(package.benefit_year - 1, 1, 1)


def _last_day(package: Package) -> date:
    days = [date(package.benefit_year, 12, 31)]
    days += [package.cover.ends_on] if package.cover else []
    days += [package.refund.window.ends_on] if package.refund else []
    return max(days)


async def require_over(tx: Reader, service: str, year: SchemeYear, today: date) -> None:
    """Raises NotOver with everything that is not at its end."""
    reasons = []
    if today <= year.last_day:
        reasons.append(f"its last day is {year.last_day}: until then money may come and go back (年度未满)")
    values = year.values | {"today": today}
    for each in _OPEN[service]:
        given = {name: value for name, value in values.items() if f":{name}" in each.sql}
        count = await tx.value(each.sql, **given)
        reasons += [f"{count} {each.what}"] if count else []
    if reasons:
        raise NotOver(f"scheme-year {year.scheme} of pool {year.pool}", reasons)


async def archive(
    database: Database, service: str, year: SchemeYear, folder: Path, *, most: int = contents.MOST_RECORDS
) -> AsyncIterator[Archive]:
    """Move what is due into archives, one after the other as they are done. Judge the year first (`require_over`).

    Raises ArchiveBroken where the folder goes with another database.
    """
    async with database.reading() as tx:
        number, last = await chain.read_anchor(tx.connection, ARCHIVES, year.pool)
    archives.require_last(folder, service, year.pool, number, last)
    for kind in contents.kinds_of(service):
        seen: Any = None
        while (step := await _archive_some(database, service, year, kind, seen, folder, most)) is not None:
            made, seen = step
            if made is not None:
                yield made


async def count_due(tx: Reader, service: str, year: SchemeYear) -> int:
    """How many records are to be moved."""
    return sum([await kind.count(tx, year) for kind in contents.kinds_of(service)])


async def _archive_some(
    database: Database, service: str, year: SchemeYear, kind: Kind, seen: Any, folder: Path, most: int
) -> tuple[Archive | None, Any] | None:
    async with database.writing() as tx:
        number, previous = await chain.take_anchor(tx.connection, ARCHIVES, year.pool)
        chunk = await kind.take(tx, year, seen, most)
        if chunk is None:
            return None
        if not chunk.records:  # somebody else was here
            return None, chunk.seen
        schema = await tx.value("select version_num from alembic_version")
        label = Label(service, year.pool, number + 1, year.scheme, kind.name, schema, previous)
        made = await archives.write(folder, label, chunk.records, kind.rows(tx, year.pool, chunk))
        await kind.remove(tx, year.pool, chunk, made.name)
        await chain.set_anchor(tx.connection, ARCHIVES, year.pool, number + 1, made.sha256)
        detail = {"archive": made.name, "sha256": made.sha256.hex(), "records": made.records, "rows": made.rows}
        tx.audit(year.pool, "archive.made", "archive", "archive", wall_now(), [], detail)
    return made, chunk.seen


async def service_of(tx: Reader) -> str:
    """Whose database it is. Raises LookupError where it is no service's."""
    for table, service in _TABLES.items():
        if await tx.value("select to_regclass(:name)", name=table) is not None:
            return service
    raise LookupError("this is the database of no service")
