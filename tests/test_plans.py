"""No question goes through a whole big table: the plan of every statement of the stores, as Postgres makes it.

The statements are those that the stores can send (`tests/store_texts.py`), planned for any values, as the driver's
prepared statements come to be; of conditions that go where nothing is asked (`cast(:x as …) is null or …`) once none is
given and once each. The tables are full (`tests/filled_tables.py`).
"""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from types import ModuleType
from typing import Any

import asyncpg
import pytest

from deploy.citus.tables import metadata_of
from services.eligibility.store import hukou, persons
from tests import store_texts
from tests.filled_tables import BIG, fill
from tests.suite import ORDER, ROOT

WHOLE: Mapping[str, Sequence[str]] = {
    "a report, a nightly proof or a comparison of both sides adds up all there is": (
        "payments.store.reports.account_balances",
        "payments.store.reports.collected_by_channel",
        "payments.store.reports.four_way_figures",
        "payments.store.reports.receipt_figures",
        "payments.store.treasury.list_vouchers",
        "payments.store.treasury.voucher_news",
        "payments.store.treasury_checks.list_collection_differences",
        "refunds.store.summarise",
    ),
    "a job that takes a list back or asks what another package would change, and whoever looks for what lies under "
    "which key, meet everybody": (
        "eligibility.store.hukou.persons_of_supplier",
        "registration.store.package_runs.read_members",
        "shared.rotation.store.has_unknown_hash",
        "shared.rotation.store.keys_in_use",
    ),
    "a list narrowed by what many rows share goes on by its key; a table as small as here may be cheaper to sort": (
        "payments.store.bills.list_bills",
        "payments.store.refunds.list_collections",
        "payments.store.tax_assessments.list_lines",
        "refunds.store.list_applications",
        "registration.store.enrolments.list_assessments",
    ),
    "a set that is a good part of the table: the numbers of a block, the money of a slip or of a file, what is odd": (
        "payments.store.blocks.record_returned",
        "payments.store.vouchers.free_of_slip",
    ),
    "whether a pool has any bill is known at the first one": ("payments.store.tax.pools_with_bills",),
}
"""Functions whose statement may go through a big table, by the reason. A new one needs a reason that is as good."""

_REGISTER = ("person", "identity_document", "hukou", "feed", "status")
"""What the first lists fill."""

_OPTIONAL = re.compile(r"cast\(:(\w+) as [\w\[\]]+\) is null or")
_PARAMETER = re.compile(r"(?<![:\w]):(\w+)")
# A statement with parameters that nobody gives: only the simple protocol takes it.
_PLAN = """
create function pg_temp.plan(statement text) returns json language plpgsql as $$
declare
    found json;
begin
    execute 'explain (generic_plan, format json) ' || statement into found;
    return found;
end $$
"""


def _variants(sql: str) -> Iterator[str]:
    for wanted in ("", *sorted(set(_OPTIONAL.findall(sql)))):
        parts = _OPTIONAL.split(sql)  # text, name, text, name … text
        pairs = zip(parts[1::2], parts[2::2], strict=True)
        folded = [f"{'false' if name == wanted else 'true'} or{rest}" for name, rest in pairs]
        yield parts[0] + "".join(folded)


def _numbered(sql: str) -> str:
    """With the parameters of the driver, and the limit of a page."""
    sql = re.sub(r"limit :\w+", "limit 101", sql)
    names = list(dict.fromkeys(_PARAMETER.findall(sql)))
    return _PARAMETER.sub(lambda found: f"${names.index(found[1]) + 1}", sql)


def _nodes(plan: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    yield plan
    for inner in plan.get("Plans", ()):
        yield from _nodes(inner)


async def _scanned(connection: asyncpg.Connection, sql: str) -> set[str]:
    (plan,) = json.loads(await connection.fetchval("select pg_temp.plan($1)", sql))
    return {node["Relation Name"] for node in _nodes(plan["Plan"]) if node["Node Type"] == "Seq Scan"} & BIG


@pytest.mark.parametrize("service", ORDER)
async def test_no_statement_goes_through_a_big_table(databases: dict[str, str], service: str) -> None:
    connection = await asyncpg.connect(databases[service].replace("+asyncpg", ""))
    await fill(connection, service)
    await connection.execute(_PLAN)
    found: dict[str, set[str]] = {}
    for module in (*store_texts.modules(service), *store_texts.shared_modules()):
        for text in store_texts.texts(module):
            for sql in map(_numbered, _variants(text.sql)):
                try:
                    scanned = await _scanned(connection, sql)
                except (asyncpg.PostgresSyntaxError, asyncpg.UndefinedTableError, asyncpg.UndefinedColumnError):
                    continue  # no query (`set local …`), or one whose columns or table only its caller can name
                if scanned:
                    found.setdefault(text.function.removeprefix("services."), set()).update(scanned)
    await connection.close()
    known = {name for names in WHOLE.values() for name in names}
    assert {name: tables for name, tables in found.items() if name not in known} == {}
    # What is shared is asked about the sealed columns of eligibility (`store_texts.GIVEN`).
    own = (f"{service}.", "shared.") if service == "eligibility" else (f"{service}.",)
    assert {name for name in known if name.startswith(own)} - found.keys() == set(), "these need no reason any more"


@pytest.mark.parametrize(
    ("module", "function", "by"),
    [
        (hukou, "hukou_news", "said.person_id"),
        (hukou, "hukou_of", "member.person_id"),
        (persons, "read_persons", "member.person_id"),
        (persons, "persons_by_name", "member.person_id"),
    ],
)
async def test_a_register_that_fills_is_asked_step_by_step_before_there_are_statistics(
    databases: dict[str, str], module: ModuleType, function: str, by: str
) -> None:
    """A plan that goes through all that a list has said is as good as any while Postgres takes it for a handful."""
    connection = await asyncpg.connect(databases["eligibility"].replace("+asyncpg", ""))
    await fill(connection, "eligibility")
    for table in _REGISTER:
        await connection.execute(f"select pg_clear_relation_stats('public', '{table}')")
        await connection.execute(f"delete from pg_statistic where starelid = '{table}'::regclass")
    await connection.execute(_PLAN)
    (asked,) = [text.sql for text in store_texts.texts(module) if text.function.endswith(f".{function}")]
    (plan,) = json.loads(await connection.fetchval("select pg_temp.plan($1)", _numbered(asked)))
    await connection.close()
    found = [node for node in _nodes(plan["Plan"]) if node.get("Relation Name") in _REGISTER]
    assert [node["Node Type"] for node in found if node["Node Type"] == "Seq Scan"] == []
    (statements,) = [node for node in found if node["Relation Name"] == "hukou"]
    assert f"person_id = {by}" in statements["Index Cond"]


def test_every_big_table_is_a_table() -> None:
    assert BIG - {name for service in ORDER for name in metadata_of(service).tables} == set()


@pytest.mark.parametrize("folder", ["services", "shared"])
def test_pages_are_found_by_their_key(folder: str) -> None:
    skipping = re.compile(r"\boffset\s+(?!0\b)", re.IGNORECASE)
    wrong = [
        f"{path}:{number}"
        for path in (ROOT / folder).rglob("*.py")
        if "store" in path.parts or path.stem == "store"
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
        if skipping.search(line) and '"' in line and not line.lstrip().startswith("#")
    ]
    assert wrong == []
