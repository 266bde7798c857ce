"""Whether a limit is one: both sides commit for good, and leave the same rows behind for each payment."""

from collections.abc import Mapping, Sequence

from deploy.local.postgres import EmbeddedPostgres

PAYMENT = ("submission", "collection", "receipt", "transfer", "event")
"""Where every payment leaves rows, whoever confirmed it."""

_DURABLE = ("fsync", "full_page_writes", "synchronous_commit")


def require_durable(postgres: EmbeddedPostgres, *databases: str) -> None:
    """Raises RuntimeError where a commit could be answered before it is on disk."""
    for database in databases:
        for setting in _DURABLE:
            if (found := postgres.execute(f"show {setting}", database)) != "on":
                raise RuntimeError(f"{setting} is {found} in {database}: nothing measured there counts")


def rows_of(postgres: EmbeddedPostgres, database: str, tables: Sequence[str]) -> dict[str, int]:
    """How many rows each table has."""
    counts = " union all ".join(f"select '{table}', count(*) from {table}" for table in tables)
    lines = postgres.execute(counts, database).splitlines()
    return {table: int(count) for table, count in (line.split("|") for line in lines)}


class Rows:
    """The rows that payments leave behind in a database, from now on."""

    def __init__(self, postgres: EmbeddedPostgres, database: str, tables: Sequence[str]) -> None:
        self._postgres, self._database = postgres, database
        self._before = rows_of(postgres, database, tables)

    def each(self, payments: int) -> dict[str, float]:
        """Rows of each table for one of so many payments."""
        now = rows_of(self._postgres, self._database, list(self._before))
        return {table: (now[table] - before) / payments for table, before in self._before.items()}


def require_same(ours: Mapping[str, float], limit: Mapping[str, float]) -> None:
    """Raises RuntimeError where the two leave other rows behind, for then they do not do the same."""
    if ours != limit:
        raise RuntimeError(f"rows of a payment differ: ours {ours}, the limit {limit}")
