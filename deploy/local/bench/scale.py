"""What a county, a city, a province and the country need, computed from what was measured: the tables of docs/scale.md.

    python -m deploy.local.bench.scale            writes the tables, from docs/benchmarks.md and the assumptions below
    python -m deploy.local.bench.scale --measure  rows and bytes a head, in the databases of the last `make season`

`make bench` writes them after its page. Whoever has other figures changes them here and runs it; a test holds the paper
to the page and to what stands here.
"""

import argparse
import asyncio
import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import ceil

import asyncpg

from deploy.citus.tables import in_order
from deploy.local import places
from deploy.local.databases import suite_databases

PAPER = places.ROOT / "docs" / "scale.md"
_PAGE = places.ROOT / "docs" / "benchmarks.md"
_PAYMENT = re.compile(r"^\| confirm_plain \|.*\bservice_cpu_ms ([0-9.]+) · database_cpu_ms ([0-9.]+)", re.MULTILINE)
_TABLES = re.compile(r"(<!-- scale -->\n).*?(<!-- end -->\n)", re.DOTALL)


@dataclass(frozen=True)
class Measured:
    """Milliseconds of one processor; rows, and bytes with indexes, that one insured person leaves in a year; the bytes
    that stay when the year is archived."""

    payment_service_ms: float
    payment_database_ms: float
    rows: Mapping[str, float]
    bytes: Mapping[str, float]
    stays: Mapping[str, float]


@dataclass(frozen=True)
class Load:
    """What so many heads come to."""

    heads: int
    payments_last_day: float
    payments_busiest_hour: float
    payments_a_second: float
    questions_a_second: float
    service_cores: float
    database_cores: float
    rows_a_year: float
    bytes_a_year: float
    bytes_kept: float
    nodes: int
    bytes_archived: float
    nodes_archived: int


_ROWS = {"eligibility": 5.0, "registration": 7.1, "payments": 14.1}
_BYTES = {"eligibility": 3695.0, "registration": 4745.0, "payments": 14148.0}
"""A head's, by `--measure` after `make season RESIDENTS=1000`; refunds are too few to show."""
_STAYS = {"eligibility": 3046.0, "registration": 4745.0, "payments": 10812.0}
"""The same when all of the season was archived (`deploy.archive year` and `cut`), and the keys of its requests gone."""

LAST_DAY = 0.10
"""Share of a year's payments that come on the last day of the window."""
BUSIEST_HOUR = 0.20
"""Share of that day's payments that come in its busiest hour."""
BURST = 3
"""The busiest second of that hour, by its mean."""
QUESTIONS = 3
"""Questions that come with a payment: for the bill before it, for receipt and status after it. Each is taken to cost
what a payment costs; it costs less."""
PLANNED = 0.5
"""Share of a processor that is planned for; the rest is for jobs, for a lost node, for what nobody thought of."""
YEARS = 10
"""Years that are kept at hand."""
WHOLE_YEARS = 2
"""Of these the last ones, that are not archived: one is collected for, one is covered."""
NODE_CORES = 16
NODE_BYTES = 4e12
"""A database node: processors, and what its disks may be filled to."""

PLACES: Mapping[str, int] = {"county": 400_000, "city": 7_000_000, "province": 70_000_000, "country": 950_000_000}
"""Heads of the residents' insurance, in public orders of magnitude."""


def measured_here() -> Measured:
    """Milliseconds of a payment from the newest page (case confirm_plain), rows and bytes of a head from above. Raises
    ValueError where the page has no such row."""
    found = _PAYMENT.search(_PAGE.read_text(encoding="utf-8"))
    if not found:
        raise ValueError(f"{_PAGE} says nothing of confirm_plain's processor time")
    return Measured(float(found[1]), float(found[2]), _ROWS, _BYTES, _STAYS)


def load_of(heads: int, measured: Measured) -> Load:
    """The load of a place. Everybody pays once a year."""
    last_day = heads * LAST_DAY
    busiest_hour = last_day * BUSIEST_HOUR
    payments = busiest_hour / 3600 * BURST
    questions = payments * QUESTIONS
    requests = payments + questions
    whole, stays = sum(measured.bytes.values()), sum(measured.stays.values())
    kept, archived = heads * whole * YEARS, heads * (whole * WHOLE_YEARS + stays * (YEARS - WHOLE_YEARS))
    database_cores = requests * measured.payment_database_ms / 1000 / PLANNED
    return Load(
        heads=heads,
        payments_last_day=last_day,
        payments_busiest_hour=busiest_hour,
        payments_a_second=payments,
        questions_a_second=questions,
        service_cores=requests * measured.payment_service_ms / 1000 / PLANNED,
        database_cores=database_cores,
        rows_a_year=heads * sum(measured.rows.values()),
        bytes_a_year=heads * whole,
        bytes_kept=kept,
        nodes=max(ceil(kept / NODE_BYTES), ceil(database_cores / NODE_CORES)),
        bytes_archived=archived,
        nodes_archived=max(ceil(archived / NODE_BYTES), ceil(database_cores / NODE_CORES)),
    )


def tables() -> str:
    """What a payment costs, and both tables, as Markdown."""
    measured = measured_here()
    loads = [load_of(heads, measured) for heads in PLACES.values()]
    payment = (
        f"A payment takes {measured.payment_service_ms:.2f} ms of a service's processor and "
        f"{measured.payment_database_ms:.2f} ms of the database's."
    )
    return "\n".join([*_load_table(loads), "", *_head_table(measured), "", payment, ""])


def write() -> None:
    """Write the tables into the paper."""
    before = PAPER.read_text(encoding="utf-8")
    PAPER.write_text(_TABLES.sub(rf"\g<1>{tables()}\g<2>", before), encoding="utf-8")


def _load_table(loads: Sequence[Load]) -> Iterator[str]:
    yield f"| | {' | '.join(PLACES)} |"
    yield f"|---|{'---:|' * len(PLACES)}"
    rows = (
        ("heads, and payments a year", [_count(load.heads) for load in loads]),
        ("payments on the last day", [_count(load.payments_last_day) for load in loads]),
        ("payments in its busiest hour", [_count(load.payments_busiest_hour) for load in loads]),
        ("**payments in the busiest second**", [_count(load.payments_a_second) for load in loads]),
        ("questions in that second", [_count(load.questions_a_second) for load in loads]),
        ("cores of the services", [_count(load.service_cores) for load in loads]),
        ("cores of the databases", [_count(load.database_cores) for load in loads]),
        ("rows a year", [_count(load.rows_a_year) for load in loads]),
        ("bytes a year", [_bytes(load.bytes_a_year) for load in loads]),
        (f"bytes of {YEARS} years", [_bytes(load.bytes_kept) for load in loads]),
        ("**database nodes**", [str(load.nodes) for load in loads]),
        (
            f"bytes of {YEARS} years, {YEARS - WHOLE_YEARS} of them archived",
            [_bytes(one.bytes_archived) for one in loads],
        ),
        ("**database nodes** then", [str(load.nodes_archived) for load in loads]),
    )
    for name, cells in rows:
        yield f"| {name} | {' | '.join(cells)} |"


def _head_table(measured: Measured) -> Iterator[str]:
    yield "| one head a year | rows | bytes with indexes | that stay when it is archived |"
    yield "|---|---:|---:|---:|"
    for service, rows in measured.rows.items():
        yield f"| {service} | {rows:.1f} | {measured.bytes[service]:,.0f} | {measured.stays[service]:,.0f} |"


def _count(value: float) -> str:
    """Two digits that count, with the word for thousands and more."""
    for size, word in ((1e9, " G"), (1e6, " M"), (1e3, " k")):
        if value >= size:
            return f"{_two_digits(value / size)}{word}"
    return _two_digits(value)


def _two_digits(value: float) -> str:
    return f"{value:.0f}" if value >= 10 else f"{value:.1f}" if value >= 0.1 else f"{value:.2f}"


def _bytes(value: float) -> str:
    for size, word in ((1e15, " PB"), (1e12, " TB"), (1e9, " GB")):
        if value >= size:
            return f"{_two_digits(value / size)}{word}"
    return f"{_two_digits(value / 1e6)} MB"


async def measure(databases: Mapping[str, str]) -> Mapping[str, tuple[float, float]]:
    """Rows and bytes a head of each service, over the bills of the season.

    Tables of fewer than one row in ten heads are left out: what they hold is a matter of pages, not of people.
    """
    payments = await asyncpg.connect(_plain(databases["payments"]))
    heads: int = await payments.fetchval("select count(distinct person_id) from bill")
    await payments.close()
    found = {}
    for service, url in databases.items():
        connection = await asyncpg.connect(_plain(url))
        rows = total = 0
        for table in in_order(service):
            count: int = await connection.fetchval(f"select count(*) from {table}")
            if count >= heads / 10:
                rows += count
                total += await connection.fetchval("select pg_total_relation_size(cast($1 as regclass))", table)
        await connection.close()
        found[service] = (rows / heads, total / heads)
    return found


def _plain(url: str) -> str:
    return url.replace("+asyncpg", "", 1)


def main() -> int:
    """Write the tables into the paper, or print what is measured."""
    parser = argparse.ArgumentParser(prog="python -m deploy.local.bench.scale", description=__doc__)
    parser.add_argument("--measure", action="store_true", help="print rows and bytes a head of the last season")
    if parser.parse_args().measure:
        with suite_databases() as databases:
            for service, (rows, size) in asyncio.run(measure(databases)).items():
                print(f"{service:14} {rows:6.1f} rows  {size:8.0f} bytes")
        return 0
    write()
    return 0


if __name__ == "__main__":
    sys.exit(main())
