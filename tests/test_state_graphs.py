"""Every state graph is whole, drawn, and what the tables and the SQL say. The databases of the tests are guarded by it
(`tests/state_guards.py`), so that every test which moves a row holds the code to it as well."""

import ast
import importlib
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import CheckConstraint, Table, text
from sqlalchemy.exc import DBAPIError

from deploy.local import drawings, places
from shared.database import Database
from shared.graph import Graph
from tests.state_guards import COLUMNS

GRAPHS = [(part, table, graph) for part in drawings.PARTS for table, graph in drawings.graphs_of(part).items()]
ENDS: dict[str, set[str]] = {
    "treasury_package": {"replaced"},
    "tax_batch_line": {"kept", "repeated"},
    "tax_batch": {"answered", "refused"},
    "refund_package": {"answered", "refused"},
    "agreement": {"withdrawn"},
    "withholding": {"closed", "cancelled"},
    "withholding_line": set(),  # people may book anew what the bank was of two minds about
    "withholding_return": {"rejected", "taken"},
    "application": {"refused", "rejected", "paid"},
    "bank_journal": {
        *("settled_reversed", "unsettled_reversed", "settled_corrected", "unsettled_corrected", "forestalled"),
        *("reopened", "taken_back", "repeated", "not_reversed"),
    },
    "bill": {"voided"},
    "channel_file": {"taken", "empty"},
    "channel_message": {"applied", "kept"},
    "channel_order": {"paid"},
    "claim_receipt": {"confirmed", "rejected"},
    "collection": {"reversed"},
    "enrolment": {"withdrawn"},
    "feed": {"withdrawn"},
    "ledger": {"remitted"},
    "ledger_batch": set(),
    "package_run": {"done", "cancelled"},
    "package_version": {"replaced"},
    "pos_sale": {"voided"},
    "receipt_block": {"written_off"},
    "receipt": {"voided", "offset"},
    "receipt_cancellation": {"confirmed", "rejected"},
    "receipt_segment": {"written_off"},
    "person_erasure": {"erased", "declined"},
    "person_merge": {"declined", "undone", "withdrawn"},
    "refund": {"settled", "failed"},
    "remittance": {"confirmed", "rejected"},
    "roster": {"taken"},
    "settlement": set(),  # another version of a statement may say something else
    "shift": {"closed"},
    "statement": {"rejected", "replaced"},
    "statement_break": {"resolved", "superseded"},
    "status_case": {"approved", "declined", "noted"},
    "webhook": {"ended"},
    "webhook_delivery": set(),  # each may be sent again
}
NO_STATE = {
    ("registration", "assessment_line", "status"),  # the social status that pays the line
    ("registration", "roster_row", "outcome"),
    ("registration", "status_case", "status"),  # the social status that the case is about
    ("payments", "statement_row", "status"),  # the channel's word
    ("payments", "tax_event", "outcome"),
    *((service, "idempotency_key", "status") for service in places.SERVICES),  # of HTTP
}
_LITERALS = r"\(?(?:ANY |ALL )?\(*(?:ARRAY\[)?((?:'\w+'(?:::text)?(?:, ?)?)+)"
_COMPARED = re.compile(r"(?:\b(\w+)\.)?\b(status|state|outcome)\)? (?:=|<>|in|not in|is distinct from) " + _LITERALS)
_ALIAS = re.compile(r"\b(?:from|join|update|into) (\w+)(?: as)? (?!set\b|on\b|where\b|join\b|left\b)(\w+)")


# The graphs


@pytest.mark.parametrize(("service", "table", "graph"), GRAPHS, ids=[table for _, table, _ in GRAPHS])
def test_no_state_and_no_event_is_forgotten(service: str, table: str, graph: Graph[Any, Any]) -> None:
    reached = {after for (before, _), after in graph.items() if before is None}
    assert reached, "it begins somewhere"
    for _ in graph:
        reached |= {after for (before, _), after in graph.items() if before in reached}
    assert reached == set(graph.states)
    assert {event for _, event in graph} == set(graph.events)
    assert {state.name.lower() for state in graph.ends} == ENDS[table]


def test_nothing_is_said_of_a_graph_that_there_is_not() -> None:
    tables = {table for _, table, _ in GRAPHS}
    assert set(ENDS) == tables
    assert set(COLUMNS) == tables - {"bank_journal"}


def test_every_column_that_holds_a_state_has_its_graph() -> None:
    graphed = {
        (service, table, COLUMNS[table])
        for service in places.SERVICES
        for table in (*drawings.graphs_of(service), *drawings.graphs_of("webhooks"))
        if table in COLUMNS
    }
    found = {
        (service, table.name, column.name)
        for service in places.SERVICES
        for table in importlib.import_module(f"services.{service}.tables").metadata.tables.values()
        for column in table.columns
        if column.name in ("state", "status", "outcome")
    }
    assert found == graphed | NO_STATE


@pytest.mark.parametrize("part", drawings.PARTS)
def test_the_readme_and_its_pages_draw_every_graph_once_as_it_is(part: str) -> None:
    """`make drawings` writes them."""
    pages = [path.read_text(encoding="utf-8") for path in drawings.pages_of(part)]
    graphs = drawings.graphs_of(part)
    assert sorted(name for page in pages for name in drawings.named_in(page)) == sorted(graphs)
    for page in pages:
        assert drawings.drawn(page, graphs) == page


# What the tables and the statements say


def states_in(sql: str, service: str, only: str = "") -> Iterator[tuple[str, str]]:
    """Table and state for each state that a piece of SQL names; `only`: the one table that it is about."""
    graphs = drawings.graphs_of(service)
    aliases = {alias: table for table, alias in _ALIAS.findall(sql)} | {table: table for table in graphs}
    about = {only} if only else {table for table in graphs if re.search(rf"\b{table}\b", sql)}
    for qualifier, column, literals in _COMPARED.findall(sql):
        meant = (
            {aliases.get(qualifier, "")} if qualifier else {table for table in about if COLUMNS.get(table) == column}
        )
        tables = {table for table in meant if COLUMNS.get(table) == column}
        if len(tables) == 1:
            for literal in re.findall(r"'(\w+)'", literals):
                yield next(iter(tables)), literal


@pytest.mark.parametrize("service", places.SERVICES)
async def test_the_tables_allow_exactly_the_states_of_the_graph(service: str, databases: dict[str, str]) -> None:
    """Both as `tables` describes them and as the migrations made them."""
    database = Database(databases[service])
    async with database.reading() as tx:
        checks = await tx.rows(
            "select cast(cast(conrelid as regclass) as text) as table_name, pg_get_constraintdef(oid) as sql "
            "from pg_constraint where contype = 'c'"
        )
    await database.close()
    tables: dict[str, Table] = importlib.import_module(f"services.{service}.tables").metadata.tables
    for name, graph in {**drawings.graphs_of(service), **drawings.graphs_of("webhooks")}.items():
        if name not in COLUMNS:
            continue
        migrated = [row["sql"] for row in checks if row["table_name"] == name]
        described = [str(c.sqltext) for c in tables[name].constraints if isinstance(c, CheckConstraint)]
        first = {after.value for (before, _), after in graph.items() if before is None}
        wanted = first if name == "collection" else {state.value for state in graph.states}
        for constraints in (migrated, described):
            named = {state for sql in constraints for _, state in states_in(sql, service, name)}
            assert named == wanted, name


@pytest.mark.parametrize("service", drawings.PARTS)
def test_sql_names_no_state_that_the_graphs_do_not_know(service: str) -> None:
    graphs = drawings.graphs_of(service)
    named = [found for sql in statements(service) for found in states_in(sql, service)]
    assert named
    for table, state in named:
        assert state in {known.value for known in graphs[table].states}, (table, state)


@pytest.mark.parametrize("service", drawings.PARTS)
def test_every_state_that_sql_sets_lies_behind_an_edge(service: str) -> None:
    """Those that it sets from a parameter come from the graph; those that it writes out are held to it here."""
    graphs = drawings.graphs_of(service)
    for sql in statements(service):
        found = re.match(r"update (\w+)(?: as)?(?: (?!set)\w+)? set (.*?)(?: where (.*))?$", sql, re.DOTALL)
        if not found or found[1] not in graphs:
            continue
        table, edges = found[1], {(b.value, a.value) for (b, _), a in graphs[found[1]].items() if b}
        assigned = re.split(r" from (?:unnest|\()", found[2])[0]
        for target in {state for _, state in states_in(assigned, service, table)}:
            sources = {state for where, state in states_in(sql, service) if where == table} - {target}
            ways = {before for before, after in edges if after == target and before != target}
            assert ways, (table, target)
            assert sources <= {before for before, after in edges if after == target}, (table, sources, target)


def statements(service: str) -> Iterator[str]:
    """Every piece of text in the store and the invariants of a part, with the module's own fragments put in."""
    root = drawings.path_of(service).parent
    for path in sorted([*root.glob("store*"), *root.glob("invariants*")]):
        for file in sorted(path.rglob("*.py")) if path.is_dir() else [path]:
            yield from _texts(file)


def _texts(file: Path) -> Iterator[str]:
    module = importlib.import_module(".".join(file.relative_to(places.ROOT).with_suffix("").parts))
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value
        elif isinstance(node, ast.JoinedStr):
            yield "".join(_part(part, module) for part in node.values)


def _part(part: ast.expr, module: Any) -> str:
    if isinstance(part, ast.Constant):
        return str(part.value)
    named = part.value if isinstance(part, ast.FormattedValue) else None
    known = getattr(module, named.id, None) if isinstance(named, ast.Name) else None
    return known if isinstance(known, str) else "…"


# The guards of the tests

_COUNTED = ("now()", "0", "0", "0", "0", "current_date")


async def test_the_guards_stop_a_move_that_is_no_edge(databases: dict[str, str]) -> None:
    database = Database(databases["payments"])
    closing = ("closed_at", "expected_cash_fen", "counted_cash_fen", "takings_fen", "deposit_fen", "deposit_due_on")
    opened = (
        "insert into shift (pool, shift_id, counter_code, region, clerk, status, opening_float_fen, opened_at, version"
        "{}) values ('140522', gen_random_uuid(), 'c', '140522', 'k', '{}', 0, now(), 1{})"
    )
    closed = "update shift set status = 'closed', " + ", ".join(
        f"{name} = {value}" for name, value in zip(closing, _COUNTED, strict=True)
    )
    reopened = "update shift set status = 'open', " + ", ".join(f"{name} = null" for name in closing)
    async with database.engine.begin() as connection:
        await connection.execute(text(opened.format("", "open", "")))
        await connection.execute(text(closed))
    for wrong in (reopened, opened.format(f", {', '.join(closing)}", "closed", f", {', '.join(_COUNTED)}")):
        with pytest.raises(DBAPIError, match="no edge of shift"):
            async with database.engine.begin() as connection:
                await connection.execute(text(wrong))
    await database.close()
