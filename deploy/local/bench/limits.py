"""The limits: what Postgres alone reaches with the same rows."""

import re
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path

from deploy.local import binaries
from deploy.local.postgres import EmbeddedPostgres

from . import stage

DATABASE = "reached_by_postgres"
CONFIRMED = ("submission", "collection", "receipt_book", "receipt", "transfer", "tax_nonce", "tax_event", "event")
"""What the confirmations of the tax bureau leave behind."""

_CLIENTS = 8


class Confirmations:
    """Payments that Postgres alone commits, one transaction each: the rows of a counter's payment."""

    def __init__(self, postgres: EmbeddedPostgres, count: int) -> None:
        """A database with bills for so many payments."""
        self._postgres, self._done = postgres, 0
        stage.migrated(postgres, "payments", DATABASE)
        each = -(-count // _CLIENTS)
        postgres.execute(_filled("confirm_bills.sql", clients=_CLIENTS, each=each), DATABASE)
        self._script = stage.FOLDER / "confirm.sql"
        self._script.write_text(_filled("confirm.sql"), encoding="utf-8")

    def run(self, count: int) -> float:
        """Pay the next bills; payments a second."""
        each = count // _CLIENTS
        address = self._postgres.url(DATABASE).replace("+asyncpg", "")
        done = subprocess.run(
            [
                binaries.installed() / "bin" / "pgbench",
                *("--no-vacuum", "--protocol=prepared", f"--client={_CLIENTS}", "--jobs=2"),
                *(f"--transactions={each}", f"--define=n={self._done}", f"--file={self._script}", address),
            ],
            capture_output=True,
            text=True,
            check=False,
        )
        found = re.search(r"tps = ([0-9.]+)", done.stdout)
        if done.returncode != 0 or not found:
            raise RuntimeError(done.stderr.strip())
        self._done += each
        return float(found[1])


def copy_again(
    postgres: EmbeddedPostgres, database: str, tables: Sequence[str], count: int, rounds: int
) -> list[float]:
    """Copy the rows of tables out, and time how they are copied into new ones; `count` of the thing a second."""
    folder = stage.FOLDER / "copied"
    folder.mkdir(exist_ok=True)
    address = postgres.url(database).replace("+asyncpg", "")
    for table in tables:
        _psql(address, rf"\copy {table} to '{folder / table}' (format binary)")
    rates = []
    for at in range(rounds):
        fresh = f"copied_{at}"
        target = stage.migrated(postgres, database, fresh).replace("+asyncpg", "")
        statements = [rf"\copy {table} from '{folder / table}' (format binary)" for table in tables]
        began = time.perf_counter()
        _psql(target, "\n".join(["begin;", *statements, "commit;"]))
        rates.append(count / (time.perf_counter() - began))
    return rates


def _psql(address: str, script: str) -> None:
    subprocess.run(
        [binaries.installed() / "bin" / "psql", "-X", "-q", "-v", "ON_ERROR_STOP=1", address],
        input=script,
        text=True,
        capture_output=True,
        check=True,
    )


def _filled(name: str, **values: int) -> str:
    """A script of this folder, its `{names}` filled in."""
    script = Path(__file__).with_name(name).read_text(encoding="utf-8")
    for placeholder, value in {"pool": stage.POOL, **values}.items():
        script = script.replace("{" + placeholder + "}", str(value))
    return script
