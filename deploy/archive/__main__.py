"""Moves what is old and large out of a service's database into files, checks them, and brings it back.

  year     everything of a scheme-year that is over, into zip archives: sealed files, messages of channels
  cut      audit lines from before a day, into files of lines
  check    every file of a pool against itself, the file before, and the database
  find     where something lies: by an id, a hash, a day, a file's name
  restore  puts back what `find` finds; without --what everything

A folder belongs to one service. `make verify` reads what is left in the database, from the first line that is left on.
"""

import argparse
import asyncio
import os
import sys
from collections.abc import Awaitable, Callable
from datetime import date
from pathlib import Path

import orjson
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from shared.clock import business_day, wall_now
from shared.database import Database
from shared.references import SecretMissing, load_secret
from shared.sealing import Sealer

from . import auditing, keeping, years
from .archives import ArchiveBroken
from .years import NotOver

_EXAMPLES = """examples:
  python -m deploy.archive year    --database $PAYMENTS_DATABASE_URL --registration $REGISTRATION_DATABASE_URL \\
                                   --pool 140522 --scheme yangcheng-2022 --folder /archive/payments
  python -m deploy.archive cut     --database URL --pool 140522 --before 2018-01-01 --folder DIR
  python -m deploy.archive check   --database URL --pool 140522 --folder DIR --keys env:PAYMENTS_SEALING_KEYS
  python -m deploy.archive find    --database URL --pool 140522 --folder DIR --what 2021-12-05
  python -m deploy.archive restore --database URL --pool 140522 --folder DIR --what 019096d4-0c1e-7b9a-8d2f-5e4a3b2c1d0e

addresses are those of SQLAlchemy: postgresql+asyncpg://user:password@host/payments
"""


def main() -> int:
    """Run the command; exit code 1 with what is wrong where a chain does not hold or a year is not over."""
    wish = _read_arguments()
    run: Callable[[argparse.Namespace, Database], Awaitable[None]] = {
        "year": _year, "cut": _cut, "check": _check, "find": _find, "restore": _restore,
    }[wish.what_to_do]  # fmt: skip
    os.umask(0o077)  # archives name people, as the database does
    try:
        wish.folder.mkdir(parents=True, exist_ok=True)
        asyncio.run(_with_database(wish, run))
    except (ArchiveBroken, NotOver, LookupError, SecretMissing, ValueError, OSError) as error:
        print(error, file=sys.stderr)
        return 1
    return 0


def _read_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m deploy.archive",
        description=__doc__,
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("what_to_do", choices=("year", "cut", "check", "find", "restore"))
    parser.add_argument("--database", required=True, help="of the service whose records are archived")
    parser.add_argument("--pool", required=True)
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument("--scheme", help="for year: the scheme-year")
    parser.add_argument("--registration", help="for year: registration's database, which has the package")
    parser.add_argument("--before", type=date.fromisoformat, help="for cut: lines from before this day are moved")
    parser.add_argument(
        "--what", default="", help="for find and restore: an id, a hash, a day, a part of a file's name"
    )
    parser.add_argument("--keys", help="for check: the sealing keys, as file:… or env:…; then files are opened, too")
    wish = parser.parse_args()
    for what, needed in (("cut", "before"), ("year", "scheme"), ("year", "registration"), ("find", "what")):
        if wish.what_to_do == what and not getattr(wish, needed):
            parser.error(f"{what} needs --{needed}")
    return wish


async def _with_database(
    wish: argparse.Namespace, run: Callable[[argparse.Namespace, Database], Awaitable[None]]
) -> None:
    database = Database(wish.database)
    try:
        async with database.reading() as tx:
            wish.service = await years.service_of(tx)
        await run(wish, database)
    finally:
        await database.close()


async def _year(wish: argparse.Namespace, database: Database) -> None:
    registration = Database(wish.registration)
    try:
        year = await years.read_year(registration, wish.pool, wish.scheme)
    finally:
        await registration.close()
    async with database.reading() as tx:
        await years.require_over(tx, wish.service, year, business_day(wall_now()))
        due = await years.count_due(tx, wish.service, year)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True)) as progress:
        task = progress.add_task(f"{year.scheme}: days up to {year.until}", total=due)
        async for made in years.archive(database, wish.service, year, wish.folder):
            progress.advance(task, made.records)
            progress.console.print(f"{made.path}: {made.records:,} records, {made.path.stat().st_size:,} bytes")
    print(f"{due:,} records of {year.scheme} were due" if due else f"nothing of {year.scheme} is left to archive")


async def _cut(wish: argparse.Namespace, database: Database) -> None:
    while made := await auditing.cut(database, wish.pool, wish.before, wish.folder):
        print(f"{made.path}: {made.first} to {made.last}")


async def _check(wish: argparse.Namespace, database: Database) -> None:
    sealer = Sealer.from_setting(load_secret(wish.keys).decode()) if wish.keys else None
    print(f"{await auditing.check(database, wish.pool, wish.folder):,} audit lines hold")
    archives, rows = await keeping.check(database, wish.service, wish.pool, wish.folder, sealer)
    print(f"{archives:,} archives with {rows:,} rows hold{', their files open' if sealer else ''}")


async def _find(wish: argparse.Namespace, _database: Database) -> None:
    for name, record in keeping.find(wish.folder, wish.service, wish.pool, wish.what):
        print(f"{name}: {orjson.dumps(record).decode()}")


async def _restore(wish: argparse.Namespace, database: Database) -> None:
    count = await keeping.restore(database, wish.service, wish.pool, wish.folder, wish.what)
    print(f"{count:,} records are back in the database")


if __name__ == "__main__":
    sys.exit(main())
