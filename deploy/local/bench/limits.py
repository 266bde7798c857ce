"""The limits: what Postgres alone reaches with the same rows."""

import re
import subprocess
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from deploy.local import binaries
from deploy.local.postgres import EmbeddedPostgres

from . import stage

DATABASE = "reached_by_postgres"
CONFIRMED = (
    "submission", "collection", "receipt_book", "receipt", "transfer", "collection_voucher", "tax_nonce", "tax_event",
    "event",
)  # fmt: skip
"""What the confirmations of the tax bureau leave behind."""

CLIENTS = 8


class Confirmations:
    """Payments that Postgres alone commits, one transaction each: the rows of a counter's payment."""

    def __init__(self, postgres: EmbeddedPostgres, count: int) -> None:
        """A database with bills for so many payments by every client together."""
        self._postgres, self._done, self.paid = postgres, 0, 0
        stage.migrated(postgres, "payments", DATABASE)
        each = -(-count // CLIENTS)
        postgres.execute(filled("confirm_bills.sql", clients=CLIENTS, each=each), DATABASE)
        self._script = stage.FOLDER / "confirm.sql"
        self._script.write_text(filled("confirm.sql"), encoding="utf-8")

    def run(self, count: int, clients: int = CLIENTS) -> float:
        """Pay the next bills; payments a second."""
        each = count // clients
        address = self._postgres.url(DATABASE).replace("+asyncpg", "")
        done = subprocess.run(
            [
                binaries.installed() / "bin" / "pgbench",
                *("--no-vacuum", "--protocol=prepared", f"--client={clients}", f"--jobs={min(2, clients)}"),
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
        self.paid += each * clients
        return float(found[1])


def copy_again(
    postgres: EmbeddedPostgres,
    service: str,
    tables: Sequence[str],
    count: int,
    rounds: int,
    *,
    of: str = "",
    only: Mapping[str, str] | None = None,
) -> list[float]:
    """Copy the rows of a service's tables out, and time how they are copied into new ones; `count` of the thing a
    second. `of`: the database they stand in, where it has another name than the service; `only`: which rows, by table,
    as a condition."""
    folder, database = stage.FOLDER / "copied", of or service
    folder.mkdir(exist_ok=True)
    address = postgres.url(database).replace("+asyncpg", "")
    for table in tables:
        rows = f"(select * from {table} where {only[table]})" if only and table in only else table
        _psql(address, rf"\copy {rows} to '{folder / table}' (format binary)")
    rates = []
    for at in range(rounds):
        target = stage.migrated(postgres, service, f"{database}_copied_{at}").replace("+asyncpg", "")
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


def filled(name: str, **values: int | str) -> str:
    """A script of this folder, its `{names}` filled in."""
    script = Path(__file__).with_name(name).read_text(encoding="utf-8")
    for placeholder, value in {"pool": stage.POOL, **values}.items():
        script = script.replace("{" + placeholder + "}", str(value))
    return script
