"""Moves old audit lines of a service out of its database into files, and checks that the files hold what was moved.

    python -m deploy.archive cut   --database URL --pool 140522 --before 2018-01-01 --folder DIR
    python -m deploy.archive check --database URL --pool 140522 --folder DIR

A folder belongs to one service. `make verify` reads what is left in the database, from the first line that is left on.
"""

import argparse
import asyncio
import sys
from datetime import date
from pathlib import Path

from shared.database import Database

from .auditing import ArchiveBroken, check, cut


def main() -> int:
    """Run the command; exit code 1 with one sentence where a chain does not hold."""
    parser = argparse.ArgumentParser(
        prog="python -m deploy.archive", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("what", choices=("cut", "check"))
    parser.add_argument("--database", required=True, help="address for SQLAlchemy: postgresql+asyncpg://…")
    parser.add_argument("--pool", required=True)
    parser.add_argument("--before", type=date.fromisoformat, help="for cut: lines from before this day are moved")
    parser.add_argument("--folder", type=Path, required=True)
    wish = parser.parse_args()
    if wish.what == "cut" and wish.before is None:
        parser.error("cut needs --before")
    try:
        asyncio.run(_cut(wish) if wish.what == "cut" else _check(wish))
    except ArchiveBroken as error:
        print(error, file=sys.stderr)
        return 1
    return 0


async def _cut(wish: argparse.Namespace) -> None:
    wish.folder.mkdir(parents=True, exist_ok=True)
    database = Database(wish.database)
    try:
        while made := await cut(database, wish.pool, wish.before, wish.folder):
            print(f"{made.path}: {made.first} to {made.last}")
    finally:
        await database.close()


async def _check(wish: argparse.Namespace) -> None:
    database = Database(wish.database)
    try:
        print(f"{await check(database, wish.pool, wish.folder)} audit lines hold")
    finally:
        await database.close()


if __name__ == "__main__":
    sys.exit(main())
