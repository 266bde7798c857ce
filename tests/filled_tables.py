"""Tables as they are after years: many thousands of rows, of one pool, most of them in the state that things end in.

What a row says makes no sense, only how many there are and how its values are spread: that is what a planner goes by.
"""

import re
from collections.abc import Iterator

import asyncpg
from sqlalchemy import CheckConstraint, Column, Table
from sqlalchemy.dialects import postgresql

from deploy.citus.tables import metadata_of
from deploy.local.drawings import graphs_of
from tests.state_guards import COLUMNS

ROWS = 8_000
"""Of a table that grows with people and years …"""
FEW_ROWS = 400
"""… and of any other."""
BIG = {
    *("event", "audit_line", "idempotency_key"),
    *("person", "identity_document", "hukou", "status", "status_claim"),
    *("enrolment", "assessment", "assessment_line", "cover", "roster_row"),
    *("bill", "submission", "collection", "transfer", "receipt", "tax_event", "channel_order", "bank_journal"),
    "application",
}
"""The tables that grow with people and years."""
POOL = "140522"
_POSTGRESQL = postgresql.dialect()
_ONE_OF = re.compile(r"(\w+) in \(('[^)]*)\)")
_FEW = {"scheme": 5, "supplier": 10, "unit_code": 100, "institution": 4, "channel": 5, "code": 20}
"""Columns of which many rows say the same: how many values there are."""
# What a row may say, and who may refer to whom, is nothing to a planner.
_LOOSEN = """
do $$
declare
    found record;
begin
    for found in select conrelid::regclass as held, conname from pg_constraint
        where contype in ('c', 'f') and connamespace = 'public'::regnamespace order by contype desc loop
        execute format('alter table %s drop constraint %I', found.held, found.conname);
    end loop;
end $$
"""


async def fill(connection: asyncpg.Connection, service: str) -> None:
    """Fill every table of a service, and let the planner know."""
    await connection.execute(_LOOSEN)
    await connection.execute("set session_replication_role = replica")
    tables = metadata_of(service).sorted_tables
    # Tables and indexes that tests before have swollen and emptied are dearer to read than their rows.
    await connection.execute(f"truncate {', '.join(table.name for table in tables)}")
    for table in tables:
        names = ", ".join(f'"{column.name}"' for column in table.c)
        values = ", ".join(_value(service, table, column) for column in table.c)
        rows = ROWS if table.name in BIG else FEW_ROWS
        await connection.execute(
            f"insert into {table.name} ({names}) select {values} from generate_series(1, {rows}) as n "
            "on conflict do nothing"
        )
    # As after years: else it is chance whether a plan finds what autovacuum leaves behind.
    await connection.execute("vacuum analyze")


def _value(service: str, table: Table, column: "Column[object]") -> str:
    """SQL: what row `n` holds in a column."""
    if column.name == "pool":
        return f"'{POOL}'"
    choice = _choices(service, table, column)
    if choice:
        ended, others = choice
        array = ", ".join(f"'{one}'" for one in others)
        return f"case when n % 40 > 0 then '{ended}' else (array[{array}])[1 + n / 40 % {len(others)}] end"
    if column.name in _FEW:
        return f"'{column.name}' || n % {_FEW[column.name]}"
    if column.name == "region":
        return f"'{POOL}' || lpad(cast(n % 300 as text), 6, '0')"
    value = _of_type(str(column.type.compile(dialect=_POSTGRESQL)))
    return f"case when n % 3 > 0 then {value} end" if column.nullable else value


def _of_type(kind: str) -> str:
    match kind:
        case "TEXT":
            return "md5(cast(n as text))"
        case "UUID":
            return "cast(md5(cast(n as text)) as uuid)"
        case "BYTEA":
            return "cast(md5(cast(n as text)) as bytea)"
        case "BIGINT" | "INTEGER":
            return "n"
        case "SMALLINT":
            return "n % 1000"
        case "BOOLEAN":
            return "n % 2 = 0"
        case "DATE":
            return "date '2010-01-01' + n"
        case "JSONB":
            return "cast('{}' as jsonb)"
        case "TIMESTAMP WITH TIME ZONE":
            return "timestamptz '2010-01-01' + n * interval '1 day'"
        case _:
            raise LookupError(f"no value is known for {kind}")


def _choices(service: str, table: Table, column: "Column[object]") -> tuple[str, list[str]] | None:
    """Of a column that says one of a few words: the one that nearly every row comes to say, and all of them."""
    words = dict(_listed(table)).get(column.name)
    if words is None:
        return None
    if COLUMNS.get(table.name) == column.name:
        graphs = graphs_of("webhooks" if table.name.startswith("webhook") else service)
        ends = sorted(str(state.value) for state in graphs[table.name].ends)
        return (ends or words)[0], words
    return words[0], words


def _listed(table: Table) -> Iterator[tuple[str, list[str]]]:
    for constraint in table.constraints:
        if isinstance(constraint, CheckConstraint):
            for found in _ONE_OF.finditer(str(constraint.sqltext)):
                yield found[1], re.findall(r"'([^']*)'", found[2])
